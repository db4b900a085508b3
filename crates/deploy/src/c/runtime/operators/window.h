/* A sliding window with SAME padding: output = ceil(input / stride), the odd pixel of padding at the bottom and at the
 * right. */
#ifndef DANAS_WINDOW_H
#define DANAS_WINDOW_H

#include <stdint.h>

struct window {
  /* Of the input. */
  uint16_t height;
  uint16_t width;
  uint16_t channels;
  uint16_t output_height;
  uint16_t output_width;
  uint8_t kernel;
  uint8_t stride;
  /* Rows of padding above, and columns to the left. */
  uint8_t top;
  uint8_t left;
};

/* The taps of the window along one axis that lie inside the input. */
struct taps {
  /* Where in the input tap 0 lies; negative in the padding. */
  int origin;
  /* The first tap inside, and one past the last. */
  int first;
  int end;
};

static inline struct taps taps_inside(int output, int stride, int padding, int kernel, int size) {
  struct taps taps = {output * stride - padding, 0, kernel};
  if (taps.origin < 0) taps.first = -taps.origin;
  if (taps.end > size - taps.origin) taps.end = size - taps.origin;
  return taps;
}

#endif
