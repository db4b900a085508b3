/* Prints how many instructions one inference takes, and the preprocessing of a frame of 320 x 240. */
#include <stdint.h>
#include <stdio.h>

#include "model.h"

/* The processor's timer, which counts down at 25 MHz: with one nanosecond per instruction, once in 40 of them. */
#define TIMER_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define TIMER_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define TIMER_VALUE (*(volatile uint32_t *)0xE000E018u)
#define TIMER_MASK 0xFFFFFFu
#define INSTRUCTIONS_PER_TICK 40u

static uint8_t pixels[240 * 320 * 2];

int main(void) {
  TIMER_RELOAD = TIMER_MASK;
  TIMER_VALUE = 0;
  TIMER_CONTROL = 5;
  const danas_frame frame = {pixels, 320, 240, 640, DANAS_RGB565_BE};
  const uint32_t start = TIMER_VALUE;
  if (!model_set_frame(&frame)) return 1;
  const uint32_t middle = TIMER_VALUE;
  model_run();
  const uint32_t end = TIMER_VALUE;
  printf("%lu %lu\n", (unsigned long)(INSTRUCTIONS_PER_TICK * ((middle - end) & TIMER_MASK)),
         (unsigned long)(INSTRUCTIONS_PER_TICK * ((start - middle) & TIMER_MASK)));
  return 0;
}
