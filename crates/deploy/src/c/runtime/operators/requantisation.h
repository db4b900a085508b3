/* From sums of products to int8 outputs. */
#ifndef DANAS_REQUANTISATION_H
#define DANAS_REQUANTISATION_H

#include <stdint.h>

#include "fixed_point.h"

struct requantisation {
  /* Per output channel: what is added to the sum, and the multiplier significand / 2^31 x 2^shift. */
  const int32_t *biases;
  const int32_t *significands;
  const int8_t *shifts;
  int8_t zero_point;
  /* The range of the outputs, which is where a fused ReLU6 acts. */
  int8_t min;
  int8_t max;
};

static inline int8_t requantise(const struct requantisation *r, int channel, int32_t sum) {
  const int32_t biased = wrapping_add(sum, r->biases[channel]);
  const int32_t scaled = multiply(biased, r->significands[channel], r->shifts[channel]);
  return clamp(wrapping_add(scaled, r->zero_point), r->min, r->max);
}

#endif
