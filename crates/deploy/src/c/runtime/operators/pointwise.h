/* Convolution 1x1 with stride 1; with a single "pixel" that is the whole map, a fully connected layer. */
#ifndef DANAS_POINTWISE_H
#define DANAS_POINTWISE_H

#include "matrix.h"

struct pointwise {
  int32_t pixels;
  struct matrix matrix;
};

static void pointwise(const struct pointwise *layer, const int8_t *input, int8_t *output) {
  for (int32_t pixel = 0; pixel < layer->pixels; pixel++) {
    multiply_vector(&layer->matrix, input, output);
    input += layer->matrix.inputs;
    output += layer->matrix.outputs;
  }
}

#endif
