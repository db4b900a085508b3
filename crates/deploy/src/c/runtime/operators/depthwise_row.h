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

/* The taps of a window that lie inside the input. */
struct overlap {
  int rows;
  int columns;
  /* Bytes from the end of a row to the start of the next, in the input and in the weights. */
  int input_step;
  int weight_step;
};

/* The sums of products of four channels, whose first input and weight are given. */
static NOT_INLINED void sum_four(const struct depthwise *layer, const struct overlap *overlap, const int8_t *x,
                                 const int8_t *w, int32_t sums[4]) {
  const int channels = layer->window.channels;
  const int32_t zero_point = layer->zero_point;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  for (int row = overlap->rows; row > 0; row--) {
    for (int column = overlap->columns; column > 0; column--) {
      sum0 += (x[0] - zero_point) * w[0];
      sum1 += (x[1] - zero_point) * w[1];
      sum2 += (x[2] - zero_point) * w[2];
      sum3 += (x[3] - zero_point) * w[3];
      x += channels;
      w += channels;
    }
    x += overlap->input_step;
    w += overlap->weight_step;
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

/* The sum of products of one channel. */
static int32_t sum_one(const struct depthwise *layer, const struct overlap *overlap, const int8_t *x,
                       const int8_t *w) {
  const int channels = layer->window.channels;
  int32_t sum = 0;
  for (int row = overlap->rows; row > 0; row--) {
    for (int column = overlap->columns; column > 0; column--) {
      sum += (*x - layer->zero_point) * *w;
      x += channels;
      w += channels;
    }
    x += overlap->input_step;
    w += overlap->weight_step;
  }
  return sum;
}

/* Row y of `count` channels from `first` on: [output_width][count]. */
static void depthwise_row(const struct depthwise *layer, const int8_t *input, int y, int first, int count,
                          int8_t *output) {
  const struct window *window = &layer->window;
  const struct requantisation *r = &layer->requantisation;
  const int channels = window->channels;
  const struct taps rows = taps_inside(y, window->stride, window->top, window->kernel, window->height);
  for (int x = 0; x < window->output_width; x++) {
    const struct taps columns = taps_inside(x, window->stride, window->left, window->kernel, window->width);
    struct overlap overlap;
    overlap.rows = rows.end - rows.first;
    overlap.columns = columns.end - columns.first;
    overlap.input_step = (window->width - overlap.columns) * channels;
    overlap.weight_step = (window->kernel - overlap.columns) * channels;
    const int pixel = (rows.origin + rows.first) * window->width + columns.origin + columns.first;
    const int tap = rows.first * window->kernel + columns.first;
    const int8_t *const inputs = input + pixel * channels;
    const int8_t *const weights = layer->weights + tap * channels;
    int32_t sums[4];
    int channel = first;
    for (; channel + 4 <= first + count; channel += 4) {
      sum_four(layer, &overlap, inputs + channel, weights + channel, sums);
      requantise(r, channel, 4, sums, output);
      output += 4;
    }
    for (; channel < first + count; channel++) {
      sums[0] = sum_one(layer, &overlap, inputs + channel, weights + channel);
      requantise(r, channel, 1, sums, output++);
    }
  }
}

#endif
