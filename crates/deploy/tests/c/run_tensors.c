/* Runs the model on every input of inputs.bin and writes the outputs to outputs.bin. */
#include <stdio.h>

#include "model.h"

int main(void) {
  FILE *inputs = fopen("inputs.bin", "rb");
  FILE *outputs = fopen("outputs.bin", "wb");
  if (inputs == NULL || outputs == NULL) return 1;
  while (fread(model_input(), 1, MODEL_INPUT_BYTES, inputs) == MODEL_INPUT_BYTES) {
    if (fwrite(model_run(), 1, MODEL_CLASSES, outputs) != MODEL_CLASSES) return 2;
  }
  return fclose(inputs) != 0 || fclose(outputs) != 0;
}
