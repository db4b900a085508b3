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

/* The outputs of `count` channels from `channel` on. */
static NOT_INLINED void requantise(const struct requantisation *r, int channel, int count, const int32_t *sums,
                                   int8_t *outputs) {
  const int32_t *const biases = r->biases + channel;
  const int32_t *const significands = r->significands + channel;
  const int8_t *const shifts = r->shifts + channel;
  const int32_t zero_point = r->zero_point, min = r->min, max = r->max;
  for (int i = 0; i < count; i++) {
    const int32_t scaled = multiply(wrapping_add(sums[i], biases[i]), significands[i], shifts[i]);
    outputs[i] = clamp(wrapping_add(scaled, zero_point), min, max);
  }
}

#endif
