/* What runs before main() on the bare machine; files are the host's, by semihosting. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top;
void initialise_monitor_handles(void);
void __libc_init_array(void);
int main(void);

/* Called by newlib; the compiler's own start files define them. */
void _init(void) {}
void _fini(void) {}

void reset(void) {
  initialise_monitor_handles();
  __libc_init_array();
  exit(main());
}

static void fault(void) { abort(); }

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
