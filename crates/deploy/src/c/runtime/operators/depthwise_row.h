/* One row of a depthwise convolution KxK, which treats every channel for itself. */
#ifndef DANAS_DEPTHWISE_ROW_H
#define DANAS_DEPTHWISE_ROW_H

#include "requantisation.h"
#include "window.h"

struct depthwise {
  struct window window;
  /* The input's zero point. */
  int8_t zero_point;
  /* [kernel][kernel][channels] */
  const int8_t *weights;
  struct requantisation requantisation;
};

/* The part of the input, and of the weights, under a window that lies inside the input. */
struct overlap {
  const int8_t *input;
  const int8_t *weights;
  int rows;
  int columns;
  /* Bytes from one row to the next, in the input and in the weights. */
  int input_stride;
  int weight_stride;
};

/* The sums of products of four channels, the first of which is `channel`. */
static inline void sum_four(const struct depthwise *layer, const struct overlap *overlap, int channel,
                            int32_t sums[4]) {
  const int channels = layer->window.channels;
  const int32_t zero_point = layer->zero_point;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  for (int row = 0; row < overlap->rows; row++) {
    const int8_t *x = overlap->input + row * overlap->input_stride + channel;
    const int8_t *w = overlap->weights + row * overlap->weight_stride + channel;
    for (int column = 0; column < overlap->columns; column++) {
      sum0 += (x[0] - zero_point) * w[0];
      sum1 += (x[1] - zero_point) * w[1];
      sum2 += (x[2] - zero_point) * w[2];
      sum3 += (x[3] - zero_point) * w[3];
      x += channels;
      w += channels;
    }
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

/* The sum of products of one channel. */
static inline int32_t sum_one(const struct depthwise *layer, const struct overlap *overlap, int channel) {
  const int channels = layer->window.channels;
  int32_t sum = 0;
  for (int row = 0; row < overlap->rows; row++) {
    const int8_t *x = overlap->input + row * overlap->input_stride + channel;
    const int8_t *w = overlap->weights + row * overlap->weight_stride + channel;
    for (int column = 0; column < overlap->columns; column++) {
      sum += (*x - layer->zero_point) * *w;
      x += channels;
      w += channels;
    }
  }
  return sum;
}

/* Row y of `count` channels from `first` on: [output_width][count]. */
static inline void depthwise_row(const struct depthwise *layer, const int8_t *input, int y, int first, int count,
                                 int8_t *output) {
  const struct window *window = &layer->window;
  const struct taps rows = taps_inside(y, window->stride, window->top, window->kernel, window->height);
  struct overlap overlap;
  overlap.rows = rows.end - rows.first;
  overlap.input_stride = window->width * window->channels;
  overlap.weight_stride = window->kernel * window->channels;
  for (int x = 0; x < window->output_width; x++) {
    const struct taps columns = taps_inside(x, window->stride, window->left, window->kernel, window->width);
    const int pixel = (rows.origin + rows.first) * window->width + columns.origin + columns.first;
    const int tap = rows.first * window->kernel + columns.first;
    overlap.columns = columns.end - columns.first;
    overlap.input = input + pixel * window->channels;
    overlap.weights = layer->weights + tap * window->channels;
    int channel = first;
    for (; channel + 4 <= first + count; channel += 4) {
      int32_t sums[4];
      sum_four(layer, &overlap, channel, sums);
      for (int lane = 0; lane < 4; lane++) {
        *output++ = requantise(&layer->requantisation, channel + lane, sums[lane]);
      }
    }
    for (; channel < first + count; channel++) {
      *output++ = requantise(&layer->requantisation, channel, sum_one(layer, &overlap, channel));
    }
  }
}

#endif
