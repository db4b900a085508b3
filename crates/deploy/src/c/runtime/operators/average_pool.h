/* The average of each channel over the whole map, rounded to nearest, ties away from zero. */
#ifndef DANAS_AVERAGE_POOL_H
#define DANAS_AVERAGE_POOL_H

#include <stdint.h>

static void average_pool(int32_t pixels, int channels, const int8_t *input, int8_t *output) {
  for (int channel = 0; channel < channels; channel++) {
    const int8_t *x = input + channel;
    int32_t sum = 0;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
      sum += *x;
      x += channels;
    }
    output[channel] = (int8_t)((sum + (sum > 0 ? pixels / 2 : -(pixels / 2))) / pixels);
  }
}

#endif
