/* A picture as a camera delivers it. */
#ifndef DANAS_FRAME_H
#define DANAS_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* RGB565 is 16 bits per pixel, red in the highest five. A channel v of 5 bits stands for the 8 bits
 * v << 3 | v >> 2, one of 6 bits for v << 2 | v >> 4: 0 stays 0, the greatest value becomes 255. */
typedef enum {
  DANAS_RGB888,    /* red, green, blue, one byte each */
  DANAS_RGB565_LE, /* the low byte first, as a little-endian processor stores a uint16_t */
  DANAS_RGB565_BE, /* the high byte first, as most cameras send it */
  DANAS_GREY       /* one byte */
} danas_format;

typedef struct {
  /* Rows from the top, pixels from the left. */
  const uint8_t *pixels;
  /* 1 to 4096 each. */
  int width;
  int height;
  /* Bytes from one row to the next. */
  size_t stride;
  danas_format format;
} danas_frame;

#endif
