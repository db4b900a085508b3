/* Convolution 1x1 with stride 1; with a single "pixel" that is the whole map, a fully connected layer. */
#ifndef DANAS_POINTWISE_H
#define DANAS_POINTWISE_H

#include "matrix.h"

struct pointwise {
  int32_t pixels;
  struct matrix matrix;
};

static void pointwise(const struct pointwise *layer, const int8_t *input, int8_t *output) {
  int32_t left = layer->pixels;
  while (left > 0) {
    const int count = left > 1 ? 2 : 1;
    multiply_vectors(&layer->matrix, input, count, output);
    input += count * layer->matrix.inputs;
    output += count * layer->matrix.outputs;
    left -= count;
  }
}

#endif
