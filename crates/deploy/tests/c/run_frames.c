/* Makes the input of every frame of frames.bin (width, height, stride and format as int32_t, then the pixels) and
 * writes the inputs to tensors.bin. */
#include <stdio.h>

#include "model.h"

int main(void) {
  static uint8_t pixels[1 << 20];
  int32_t head[4];
  FILE *frames = fopen("frames.bin", "rb");
  FILE *tensors = fopen("tensors.bin", "wb");
  if (frames == NULL || tensors == NULL) return 1;
  while (fread(head, sizeof head, 1, frames) == 1) {
    const danas_frame frame = {pixels, head[0], head[1], (size_t)head[2], (danas_format)head[3]};
    const size_t bytes = frame.stride * (size_t)frame.height;
    if (bytes > sizeof pixels || fread(pixels, 1, bytes, frames) != bytes) return 2;
    if (!model_set_frame(&frame)) return 3;
    if (fwrite(model_input(), 1, MODEL_INPUT_BYTES, tensors) != MODEL_INPUT_BYTES) return 4;
  }
  return fclose(frames) != 0 || fclose(tensors) != 0;
}
