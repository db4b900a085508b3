/* The product of a weight matrix and one pixel, or patch, or whole map: what all convolutions but the depthwise one
 * come down to. */
#ifndef DANAS_MATRIX_H
#define DANAS_MATRIX_H

#include <stdint.h>

#include "requantisation.h"

struct matrix {
  uint16_t inputs;
  uint16_t outputs;
  /* Four outputs side by side, [outputs / 4][inputs][4], so that an input is loaded once for four products; then the
   * remaining outputs % 4, each [inputs]. */
  const int8_t *weights;
  /* Its biases hold what the input's zero point adds to every sum. */
  struct requantisation requantisation;
};

/* The outputs of one vector. */
static inline void multiply_vector(const struct matrix *matrix, const int8_t *input, int8_t *output) {
  const struct requantisation *r = &matrix->requantisation;
  const int8_t *const end = input + matrix->inputs;
  const int8_t *w = matrix->weights;
  int channel = 0;
  for (; channel + 4 <= matrix->outputs; channel += 4) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (const int8_t *x = input; x != end; x++, w += 4) {
      const int32_t value = *x;
      sum0 += value * w[0];
      sum1 += value * w[1];
      sum2 += value * w[2];
      sum3 += value * w[3];
    }
    output[channel] = requantise(r, channel, sum0);
    output[channel + 1] = requantise(r, channel + 1, sum1);
    output[channel + 2] = requantise(r, channel + 2, sum2);
    output[channel + 3] = requantise(r, channel + 3, sum3);
  }
  for (; channel < matrix->outputs; channel++) {
    int32_t sum = 0;
    for (const int8_t *x = input; x != end; x++) sum += *x * *w++;
    output[channel] = requantise(r, channel, sum);
  }
}

#endif
