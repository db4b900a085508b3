/* Softmax in integers, with the exponential and the reciprocal of gemmlowp. A number "Qm" is an int32_t that stands for
 * itself x 2^(m - 31). */
#ifndef DANAS_SOFTMAX_H
#define DANAS_SOFTMAX_H

#include "fixed_point.h"

struct softmax {
  int32_t pixels;
  uint16_t channels;
  /* Makes Q5 of the difference between an input and the greatest one. */
  int32_t significand;
  int8_t shift;
  /* The least such difference whose exponential is not taken for 0. */
  int16_t least;
};

/* Integer bits of the sum of the exponentials. */
#define SOFTMAX_SUM_BITS 12

/* value / 2^exponent, rounded to nearest, ties away from zero; exponent 0 to 31. */
static inline int32_t divide_by_power(int32_t value, int exponent) {
  const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
  const int32_t remainder = value & mask;
  const int32_t threshold = (mask >> 1) + (value < 0);
  return (value >> exponent) + (remainder > threshold);
}

/* value x 2^exponent, saturated. */
static inline int32_t saturating_shift(int32_t value, int exponent) {
  const int32_t limit = INT32_MAX >> exponent;
  return value > limit ? INT32_MAX : value < -limit ? INT32_MIN : value * (1 << exponent);
}

/* exp of a number in [-1/4, 0) (Q0) as Q0: four terms of the series around -1/8. */
static int32_t exponential_near_zero(int32_t value) {
  const int32_t exp_of_minus_one_eighth = 1895147668;
  const int32_t one_third = 715827883;
  const int32_t x = value + (1 << 28);
  const int32_t x2 = high_product(x, x);
  const int32_t x3 = high_product(x2, x);
  const int32_t x4_over_4 = divide_by_power(high_product(x2, x2), 2);
  const int32_t higher_terms = divide_by_power(high_product(x4_over_4 + x3, one_third) + x2, 1);
  return exp_of_minus_one_eighth + high_product(exp_of_minus_one_eighth, x + higher_terms);
}

/* exp of a number that is not positive (Q5) as Q0. */
static int32_t exponential(int32_t value) {
  /* exp(-2^k) for k = -2 to 4 */
  static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t quarter = 1 << 24;
  if (value == 0) return INT32_MAX;
  const int32_t in_quarter = (value & (quarter - 1)) - quarter;
  const int32_t remainder = (int32_t)((uint32_t)in_quarter - (uint32_t)value);
  int32_t result = exponential_near_zero(saturating_shift(in_quarter, 5));
  for (int k = 0; k < 7; k++) {
    if (remainder & (quarter << k)) result = high_product(result, powers[k]);
  }
  return result;
}

/* 1 / (1 + x) for x in (0, 1) (Q0) as Q0: three Newton-Raphson steps. */
static int32_t reciprocal_of_one_plus(int32_t value) {
  const int32_t forty_eight_seventeenths = 1515870810;
  const int32_t minus_thirty_two_seventeenths = -1010580540;
  const int64_t sum = (int64_t)value + INT32_MAX;
  const int32_t half_denominator = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
  int32_t x = forty_eight_seventeenths + high_product(half_denominator, minus_thirty_two_seventeenths);
  for (int step = 0; step < 3; step++) {
    const int32_t error = (1 << 29) - high_product(half_denominator, x);
    x += saturating_shift(high_product(x, error), 2);
  }
  return saturating_shift(x, 1);
}

/* exp of a difference between an input and the greatest one, as Q0; 0 where it is too small. */
static int32_t exponential_of(const struct softmax *layer, int32_t difference) {
  if (difference < layer->least) return 0;
  return exponential(high_product((int32_t)((uint32_t)difference << layer->shift), layer->significand));
}

static void softmax_of_pixel(const struct softmax *layer, const int8_t *input, int8_t *output) {
  int32_t max = INT8_MIN;
  for (int i = 0; i < layer->channels; i++) {
    if (input[i] > max) max = input[i];
  }
  int32_t sum = 0;
  for (int i = 0; i < layer->channels; i++) {
    sum += divide_by_power(exponential_of(layer, input[i] - max), SOFTMAX_SUM_BITS);
  }
  /* sum = (1 + fraction / 2^31) x 2^(31 - leading) */
  int leading = 0;
  while (((uint32_t)sum << leading) < (uint32_t)1 << 31) leading++;
  const int32_t fraction = (int32_t)(((uint32_t)sum << leading) - ((uint32_t)1 << 31));
  const int32_t reciprocal = reciprocal_of_one_plus(fraction);
  const int exponent = SOFTMAX_SUM_BITS - leading + 31 - 8;
  for (int i = 0; i < layer->channels; i++) {
    const int32_t share = high_product(reciprocal, exponential_of(layer, input[i] - max));
    output[i] = clamp(divide_by_power(share, exponent) + INT8_MIN, INT8_MIN, INT8_MAX);
  }
}

static void softmax(const struct softmax *layer, const int8_t *input, int8_t *output) {
  for (int32_t pixel = 0; pixel < layer->pixels; pixel++) {
    softmax_of_pixel(layer, input, output);
    input += layer->channels;
    output += layer->channels;
  }
}

#endif
