/* Prints how many ticks of the timer each layer of one inference takes: `marked.c` is the library's source with MARK()
 * before the first layer and after each. */
#include <stdint.h>
#include <stdio.h>

/* The processor's timer, which counts down; a tick is so many instructions of one nanosecond as its clock makes of it. */
#define TIMER_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define TIMER_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define TIMER_VALUE (*(volatile uint32_t *)0xE000E018u)
#define TIMER_MASK 0xFFFFFFu

#define MOST_MARKS 256

static uint32_t marks[MOST_MARKS];
static int marked;

#define MARK() (marks[marked++] = TIMER_VALUE)

#include "marked.c"

int main(void) {
  TIMER_RELOAD = TIMER_MASK;
  TIMER_VALUE = 0;
  TIMER_CONTROL = 5;
  model_run();
  for (int layer = 1; layer < marked; layer++) {
    printf("%lu\n", (unsigned long)((marks[layer - 1] - marks[layer]) & TIMER_MASK));
  }
  return 0;
}
