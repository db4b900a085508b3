/* From a camera frame to the input of the model, byte for byte as in training.
 *
 * A frame whose shorter side is longer than `finest` is first reduced to that. Then the shorter side is brought to the
 * side of the input, the centre is kept, and colours become luma (ITU-R 601) where the model sees grey. An axis that
 * shrinks is averaged over exact fractional boxes, one that grows is interpolated linearly between pixel centres, and
 * the exact sum over both axes is rounded once, half up.
 *
 * Frames are read row by row: beside the frame and the input, a few rows are all that is kept. */
#ifndef DANAS_PREPROCESSING_H
#define DANAS_PREPROCESSING_H

#include <string.h>

#include "danas_frame.h"

#define LONGEST_SIDE 4096
/* With weights that add up to no more than this, a sum of weighted bytes fits 32 bits. */
#define GREATEST_WEIGHT (1u << 24)

struct preprocessing {
  /* Side and channels (1 or 3) of the input. */
  uint16_t side;
  uint8_t channels;
  /* The shorter side that frames are reduced to before anything else; 0 for none. */
  uint16_t finest;
  /* The most columns of a reduced frame that the input is made of. */
  uint16_t columns;
  /* The input integer of each pixel value; NULL for p - 128. */
  const int8_t *integers;
};

/* One axis of a resize. In units in which all boundaries are integers, input pixel j covers
 * [j unit, (j + 1) unit), and output pixel i is the average over `length` units from i step + offset on, moved into
 * the input. (Linear interpolation is such an average as well, over the length of one input pixel.) */
struct axis {
  int32_t unit;
  int32_t length;
  int32_t step;
  int32_t offset;
  int32_t limit;
};

/* The input pixels that an output pixel is made of. */
struct span {
  int32_t begin;
  int32_t end;
  int first;
  int last;
};

static int greatest_common_divisor(int a, int b) {
  while (b != 0) {
    const int rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static struct axis make_axis(int input, int output) {
  const int divisor = greatest_common_divisor(input, output);
  const int32_t a = input / divisor, b = output / divisor;
  const int grows = output > input;
  struct axis axis;
  axis.unit = grows ? 2 * b : b;
  axis.length = grows ? 2 * b : a;
  axis.step = grows ? 2 * a : a;
  axis.offset = grows ? a - b : 0;
  axis.limit = input * axis.unit - axis.length;
  return axis;
}

static struct span make_span(const struct axis *axis, int output) {
  struct span span;
  span.begin = output * axis->step + axis->offset;
  if (span.begin < 0) span.begin = 0;
  if (span.begin > axis->limit) span.begin = axis->limit;
  span.end = span.begin + axis->length;
  span.first = span.begin / axis->unit;
  span.last = (span.end - 1) / axis->unit;
  return span;
}

/* How much of input pixel `input` a span covers. */
static uint32_t weight_of(const struct span *span, const struct axis *axis, int input) {
  const int32_t begin = input * axis->unit, end = begin + axis->unit;
  return (uint32_t)((end < span->end ? end : span->end) - (begin > span->begin ? begin : span->begin));
}

/* Some columns of the rows of a resize. */
struct resize {
  struct axis rows;
  struct axis columns;
  /* The first output row and column that are wanted, and how many columns. */
  int top;
  int left;
  int count;
  /* The input column with which rows begin. */
  int first;
  danas_format format;
  /* [count][channels]: the sums of one output row. */
  uint32_t *sums;
};

static int channels_of(danas_format format) { return format == DANAS_GREY ? 1 : 3; }

/* A pixel, or a sum of pixels; grey is in `red`. */
struct colour {
  uint32_t red;
  uint32_t green;
  uint32_t blue;
};

static inline struct colour read_pixel(const uint8_t *row, int column, danas_format format) {
  struct colour pixel = {0, 0, 0};
  if (format == DANAS_GREY) {
    pixel.red = row[column];
  } else if (format == DANAS_RGB888) {
    const uint8_t *bytes = row + 3 * column;
    pixel.red = bytes[0];
    pixel.green = bytes[1];
    pixel.blue = bytes[2];
  } else {
    const uint8_t *bytes = row + 2 * column;
    const int low = format == DANAS_RGB565_BE;
    const uint32_t bits = bytes[low] | (uint32_t)bytes[1 - low] << 8;
    const uint32_t red = bits >> 11, green = bits >> 5 & 63, blue = bits & 31;
    pixel.red = red << 3 | red >> 2;
    pixel.green = green << 2 | green >> 4;
    pixel.blue = blue << 3 | blue >> 2;
  }
  return pixel;
}

/* Adds an input row, `weight` times, to the sums of an output row. */
static void add_row(const struct resize *resize, const uint8_t *row, uint32_t weight) {
  const danas_format format = resize->format;
  uint32_t *sums = resize->sums;
  for (int i = 0; i < resize->count; i++) {
    const struct span span = make_span(&resize->columns, resize->left + i);
    struct colour sum = {0, 0, 0};
    for (int column = span.first; column <= span.last; column++) {
      const uint32_t share = weight_of(&span, &resize->columns, column);
      const struct colour pixel = read_pixel(row, column - resize->first, format);
      sum.red += share * pixel.red;
      sum.green += share * pixel.green;
      sum.blue += share * pixel.blue;
    }
    *sums++ += weight * sum.red;
    if (format != DANAS_GREY) {
      *sums++ += weight * sum.green;
      *sums++ += weight * sum.blue;
    }
  }
}

static void clear_sums(const struct resize *resize) {
  memset(resize->sums, 0, (size_t)(resize->count * channels_of(resize->format)) * sizeof *resize->sums);
}

/* What the weights of one pixel add up to. */
static uint32_t whole_weight(const struct resize *resize) {
  return (uint32_t)resize->rows.length * (uint32_t)resize->columns.length;
}

/* The sums divided by the weights, rounded half up. */
static void finish_row(const struct resize *resize, uint8_t *row) {
  const uint32_t whole = whole_weight(resize);
  const int bytes = resize->count * channels_of(resize->format);
  for (int i = 0; i < bytes; i++) row[i] = (uint8_t)((resize->sums[i] + whole / 2) / whole);
}

/* The rows of a frame, reduced where it is too fine. */
struct rows {
  const danas_frame *frame;
  int is_reduced;
  struct resize reduction;
  /* The last even and the last odd row that was made, and which they are: consecutive outputs share rows. */
  uint8_t *lines[2];
  int made[2];
};

static const uint8_t *frame_row(const danas_frame *frame, int row) {
  return frame->pixels + (size_t)row * frame->stride;
}

static const uint8_t *get_row(struct rows *rows, int row) {
  if (!rows->is_reduced) return frame_row(rows->frame, row);
  uint8_t *line = rows->lines[row & 1];
  if (rows->made[row & 1] != row) {
    const struct resize *reduction = &rows->reduction;
    const struct span span = make_span(&reduction->rows, row);
    clear_sums(reduction);
    for (int y = span.first; y <= span.last; y++) {
      add_row(reduction, frame_row(rows->frame, y), weight_of(&span, &reduction->rows, y));
    }
    finish_row(reduction, line);
    rows->made[row & 1] = row;
  }
  return line;
}

/* The longer side after the shorter one was brought to `side`, rounded half up. */
static int fitted(int longer, int shorter, int side) { return (2 * longer * side + shorter) / (2 * shorter); }

struct size {
  int width;
  int height;
};

static struct size fit(struct size size, int side) {
  struct size result = {side, side};
  if (size.width <= size.height) {
    result.height = fitted(size.height, size.width, side);
  } else {
    result.width = fitted(size.width, size.height, side);
  }
  return result;
}

/* ITU-R 601 */
static uint8_t luma(const uint8_t rgb[3]) {
  return (uint8_t)((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500u) / 1000u);
}

/* Writes one row of the input; `pixels` are as the frame has them, grey or colour. */
static void write_input(const struct preprocessing *options, danas_format format, const uint8_t *pixels,
                        int8_t *input) {
  const int channels = channels_of(format);
  for (int x = 0; x < options->side; x++) {
    for (int channel = 0; channel < options->channels; channel++) {
      const uint8_t *pixel = pixels + x * channels;
      const uint8_t value = channels == 1 ? pixel[0] : options->channels == 1 ? luma(pixel) : pixel[channel];
      *input++ = options->integers ? options->integers[value] : (int8_t)(value - 128);
    }
  }
}

/* How a frame of `size` becomes the input. */
static struct resize make_resize(const struct preprocessing *options, struct size size, danas_format format,
                                 uint32_t *sums) {
  const struct size whole = fit(size, options->side);
  struct resize resize;
  resize.rows = make_axis(size.height, whole.height);
  resize.columns = make_axis(size.width, whole.width);
  resize.top = (whole.height - options->side) / 2;
  resize.left = (whole.width - options->side) / 2;
  resize.count = options->side;
  resize.first = 0;
  resize.format = format;
  resize.sums = sums;
  return resize;
}

/* How a frame is reduced to `size`, as far as `resize` reads it, which is told to read what comes out. */
static struct resize make_reduction(const danas_frame *frame, struct size size, struct resize *resize,
                                    uint32_t *sums) {
  const struct span left = make_span(&resize->columns, resize->left);
  const struct span right = make_span(&resize->columns, resize->left + resize->count - 1);
  struct resize reduction;
  reduction.rows = make_axis(frame->height, size.height);
  reduction.columns = make_axis(frame->width, size.width);
  reduction.top = 0;
  reduction.left = left.first;
  reduction.count = right.last + 1 - left.first;
  reduction.first = 0;
  reduction.format = frame->format;
  reduction.sums = sums;
  resize->first = left.first;
  /* What was RGB565 has one byte per channel now. */
  if (frame->format != DANAS_GREY) resize->format = DANAS_RGB888;
  return reduction;
}

/* Fills the input [side][side][channels] with the pixels of a frame; `scratch` has room for
 * 4 side + 5 columns words. Returns 1, or 0 where the frame is empty, longer than 4096 or extremely narrow. */
static int preprocess(const struct preprocessing *options, const danas_frame *frame, int8_t *input,
                      uint32_t *scratch) {
  struct size size = {frame->width, frame->height};
  const int shorter = size.width < size.height ? size.width : size.height;
  const int longer = size.width < size.height ? size.height : size.width;
  if (shorter < 1 || longer > LONGEST_SIDE || longer / shorter > LONGEST_SIDE / options->side) return 0;

  struct rows rows;
  rows.frame = frame;
  rows.is_reduced = options->finest != 0 && shorter > options->finest;
  if (rows.is_reduced) size = fit(size, options->finest);
  struct resize resize = make_resize(options, size, frame->format, scratch);
  uint8_t *const pixels = (uint8_t *)(scratch + 3 * options->side);
  if (rows.is_reduced) {
    uint32_t *const sums = scratch + 4 * options->side;
    rows.reduction = make_reduction(frame, size, &resize, sums);
    if (rows.reduction.count > options->columns || whole_weight(&rows.reduction) > GREATEST_WEIGHT) return 0;
    rows.lines[0] = (uint8_t *)(sums + 3 * options->columns);
    rows.lines[1] = (uint8_t *)(sums + 4 * options->columns);
    rows.made[0] = rows.made[1] = -1;
  }
  if (whole_weight(&resize) > GREATEST_WEIGHT) return 0;

  for (int y = 0; y < options->side; y++) {
    const struct span span = make_span(&resize.rows, resize.top + y);
    clear_sums(&resize);
    for (int row = span.first; row <= span.last; row++) {
      add_row(&resize, get_row(&rows, row), weight_of(&span, &resize.rows, row));
    }
    finish_row(&resize, pixels);
    write_input(options, resize.format, pixels, input);
    input += options->side * options->channels;
  }
  return 1;
}

#endif
