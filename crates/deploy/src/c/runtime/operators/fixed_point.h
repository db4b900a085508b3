/* Fixed-point arithmetic with the rounding of gemmlowp, as the interpreters of .tflite files compute.
 *
 * Two things are left to the compiler by C99, and done alike by all compilers for microcontrollers: right shifts of
 * negative numbers are arithmetic, and conversions to int32_t wrap. */
#ifndef DANAS_FIXED_POINT_H
#define DANAS_FIXED_POINT_H

#include <stdint.h>

/* For inner loops, which need all registers for themselves. */
#if defined(__GNUC__)
#define NOT_INLINED __attribute__((noinline))
#else
#define NOT_INLINED
#endif

/* The sum modulo 2^32. */
static inline int32_t wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a b / 2^31, rounded to nearest, ties upwards; not for a = b = INT32_MIN. */
static inline int32_t high_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* value x significand / 2^31 x 2^shift for a shift of -31 to 31, rounded after the division by 2^31 and once more, ties
 * away from zero, after the shift to the right. */
static inline int32_t multiply(int32_t value, int32_t significand, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = left - shift;
  const int32_t product = high_product((int32_t)((uint32_t)value << left), significand);
  if (right == 0) return product;
  return (((product - (product < 0)) >> (right - 1)) + 1) >> 1;
}

/* min and max are of an int8_t. */
static inline int8_t clamp(int32_t value, int32_t min, int32_t max) {
  return (int8_t)(value < min ? min : value > max ? max : value);
}

#endif
