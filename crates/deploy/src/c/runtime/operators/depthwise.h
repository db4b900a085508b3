/* Depthwise convolution KxK. */
#ifndef DANAS_DEPTHWISE_H
#define DANAS_DEPTHWISE_H

#include "depthwise_row.h"

static void depthwise(const struct depthwise *layer, const int8_t *input, int8_t *output) {
  const struct window *window = &layer->window;
  for (int y = 0; y < window->output_height; y++) {
    depthwise_row(layer, input, y, 0, window->channels, output);
    output += window->output_width * window->channels;
  }
}

#endif
