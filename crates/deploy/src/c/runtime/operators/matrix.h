/* The product of a weight matrix and one or two vectors (pixels, patches, a whole map): what all convolutions but the
 * depthwise one come down to. */
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

/* Four sums of products. */
static NOT_INLINED void sum_products(const int8_t *x, const int8_t *w, int inputs, int32_t sums[4]) {
  const int8_t *const end = x + inputs;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  while (x != end) {
    const int32_t value = *x++;
    sum0 += value * w[0];
    sum1 += value * w[1];
    sum2 += value * w[2];
    sum3 += value * w[3];
    w += 4;
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

/* Four sums of products of each of two vectors, one after the other; a weight is loaded once for both. */
static NOT_INLINED void sum_products_of_two(const int8_t *x, const int8_t *w, int inputs, int32_t sums[8]) {
  const int8_t *const end = x + inputs;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0, sum5 = 0, sum6 = 0, sum7 = 0;
  while (x != end) {
    const int32_t first = x[0], second = x[inputs];
    sum0 += first * w[0];
    sum4 += second * w[0];
    sum1 += first * w[1];
    sum5 += second * w[1];
    sum2 += first * w[2];
    sum6 += second * w[2];
    sum3 += first * w[3];
    sum7 += second * w[3];
    x++;
    w += 4;
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
  sums[4] = sum4;
  sums[5] = sum5;
  sums[6] = sum6;
  sums[7] = sum7;
}

/* The outputs of `vectors` (1 or 2) inputs that lie one after the other. */
static void multiply_vectors(const struct matrix *matrix, const int8_t *input, int vectors, int8_t *output) {
  const struct requantisation *r = &matrix->requantisation;
  const int inputs = matrix->inputs, outputs = matrix->outputs;
  const int8_t *w = matrix->weights;
  int32_t sums[8];
  int channel = 0;
  for (; channel + 4 <= outputs; channel += 4) {
    if (vectors == 2) {
      sum_products_of_two(input, w, inputs, sums);
      requantise(r, channel, 4, sums + 4, output + outputs + channel);
    } else {
      sum_products(input, w, inputs, sums);
    }
    requantise(r, channel, 4, sums, output + channel);
    w += 4 * inputs;
  }
  for (; channel < outputs; channel++) {
    for (int vector = 0; vector < vectors; vector++) {
      const int8_t *x = input + vector * inputs;
      sums[0] = 0;
      for (int i = 0; i < inputs; i++) sums[0] += x[i] * w[i];
      requantise(r, channel, 1, sums, output + vector * outputs + channel);
    }
    w += inputs;
  }
}

#endif
