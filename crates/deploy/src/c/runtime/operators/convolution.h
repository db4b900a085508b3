/* Convolution KxK: the patch under the window is gathered, then multiplied by the weights. */
#ifndef DANAS_CONVOLUTION_H
#define DANAS_CONVOLUTION_H

#include <string.h>

#include "matrix.h"
#include "window.h"

struct convolution {
  struct window window;
  /* The input's zero point: what padding is filled with. */
  int8_t padding;
  struct matrix matrix;
};

/* Copies the patch of one output, [kernel][kernel][channels]. */
static void gather(const struct convolution *layer, const int8_t *input, struct taps rows, struct taps columns,
                   int8_t *patch) {
  const struct window *window = &layer->window;
  const int channels = window->channels;
  const int before = columns.first * channels;
  const int inside = (columns.end - columns.first) * channels;
  const int after = (window->kernel - columns.end) * channels;
  for (int tap = 0; tap < window->kernel; tap++) {
    if (tap < rows.first || tap >= rows.end) {
      memset(patch, layer->padding, (size_t)(before + inside + after));
    } else {
      const int pixel = (rows.origin + tap) * window->width + columns.origin + columns.first;
      memset(patch, layer->padding, (size_t)before);
      memcpy(patch + before, input + pixel * channels, (size_t)inside);
      memset(patch + before + inside, layer->padding, (size_t)after);
    }
    patch += before + inside + after;
  }
}

/* patch: room for kernel x kernel x channels bytes. */
static void convolution(const struct convolution *layer, const int8_t *input, int8_t *output, int8_t *patch) {
  const struct window *window = &layer->window;
  for (int y = 0; y < window->output_height; y++) {
    const struct taps rows = taps_inside(y, window->stride, window->top, window->kernel, window->height);
    for (int x = 0; x < window->output_width; x++) {
      const struct taps columns = taps_inside(x, window->stride, window->left, window->kernel, window->width);
      gather(layer, input, rows, columns, patch);
      multiply_vectors(&layer->matrix, patch, 1, output);
      output += layer->matrix.outputs;
    }
  }
}

#endif
