/* Fixed-point arithmetic with the rounding of gemmlowp, as the interpreters of .tflite files compute.
 *
 * Two things are left to the compiler by C99, and done alike by all compilers for microcontrollers: right shifts of
 * negative numbers are arithmetic, and conversions to int32_t wrap. */
#ifndef DANAS_FIXED_POINT_H
#define DANAS_FIXED_POINT_H

#include <stdint.h>

/* The sum modulo 2^32. */
static inline int32_t wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a b / 2^31, rounded to nearest, ties upwards; not for a = b = INT32_MIN. */
static inline int32_t high_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* value / 2^exponent, rounded to nearest, ties away from zero; exponent 0 to 31. */
static inline int32_t divide_by_power(int32_t value, int exponent) {
  const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
  const int32_t remainder = value & mask;
  const int32_t threshold = (mask >> 1) + (value < 0);
  return (value >> exponent) + (remainder > threshold);
}

/* value x significand / 2^31 x 2^shift. */
static inline int32_t multiply(int32_t value, int32_t significand, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int32_t shifted = (int32_t)((uint32_t)value << left);
  return divide_by_power(high_product(shifted, significand), left - shift);
}

static inline int8_t clamp(int32_t value, int8_t min, int8_t max) {
  return (int8_t)(value < min ? min : value > max ? max : value);
}

#endif
