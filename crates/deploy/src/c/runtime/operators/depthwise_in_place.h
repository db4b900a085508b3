/* Depthwise convolution KxK whose output takes the place of its input.
 *
 * Output pixel i, of whatever row, lies where input pixel i lay, and channels do not mix. So a few channels at a time
 * are computed, and every row of them waits in `rows` until no later row reads what it will overwrite. */
#ifndef DANAS_DEPTHWISE_IN_PLACE_H
#define DANAS_DEPTHWISE_IN_PLACE_H

#include <string.h>

#include "depthwise_row.h"

/* How long rows wait, and how many channels are computed together. */
struct waiting {
  uint8_t delay;
  uint8_t channels;
};

/* Writes `count` channels of one row, [width][count], to the channels of a map that start at `row`. */
static void scatter(const int8_t *waiting, int width, int count, int8_t *row, int channels) {
  for (int x = 0; x < width; x++) {
    memcpy(row, waiting, (size_t)count);
    waiting += count;
    row += channels;
  }
}

/* rows: room for (delay + 1) x output_width x waiting channels bytes. */
static void depthwise_in_place(const struct depthwise *layer, int8_t *map, struct waiting waiting, int8_t *rows) {
  const struct window *window = &layer->window;
  const int channels = window->channels;
  const int width = window->output_width;
  const int slots = waiting.delay + 1;
  for (int first = 0; first < channels; first += waiting.channels) {
    const int rest = channels - first;
    const int count = rest < waiting.channels ? rest : waiting.channels;
    for (int y = 0; y < window->output_height + waiting.delay; y++) {
      if (y < window->output_height) {
        depthwise_row(layer, map, y, first, count, rows + (y % slots) * width * count);
      }
      const int done = y - waiting.delay;
      if (done >= 0) {
        scatter(rows + (done % slots) * width * count, width, count, map + done * width * channels + first, channels);
      }
    }
  }
}

#endif
