/* The sum of two tensors of the same shape. */
#ifndef DANAS_ADD_H
#define DANAS_ADD_H

#include "fixed_point.h"

/* An input less its zero point, 2^20 times as fine, is multiplied by significand / 2^31 x 2^shift. */
struct addend {
  int32_t significand;
  int8_t shift;
  int8_t zero_point;
};

struct add {
  int32_t elements;
  struct addend first;
  struct addend second;
  /* From the common scale of both to the output's. */
  struct addend sum;
};

static inline int32_t scaled_addend(const struct addend *addend, int8_t value) {
  const int32_t difference = value - addend->zero_point;
  return multiply(difference * (1 << 20), addend->significand, addend->shift);
}

static void add(const struct add *layer, const int8_t *a, const int8_t *b, int8_t *output) {
  for (int32_t i = 0; i < layer->elements; i++) {
    const int32_t sum = scaled_addend(&layer->first, a[i]) + scaled_addend(&layer->second, b[i]);
    const int32_t scaled = multiply(sum, layer->sum.significand, layer->sum.shift);
    output[i] = clamp(scaled + layer->sum.zero_point, INT8_MIN, INT8_MAX);
  }
}

#endif
