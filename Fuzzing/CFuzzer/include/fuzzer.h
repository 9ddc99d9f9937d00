#ifndef MESHWORK_FUZZER_H
#define MESHWORK_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own main: takes its options from the arguments and calls `run` with one input after another.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));

#endif
