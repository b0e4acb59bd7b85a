#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace bench {

/// `main()` of a program that measures: calls `measure(argument)` with its one argument, a number of at least 1.
template <class Measure>
int run_program(const char* name, int argc, char** argv, std::uint64_t default_argument, Measure measure) {
#ifndef __OPTIMIZE__
  fmt::print(stderr, "{}: built without optimization, its figures say nothing: build it with CMAKE_BUILD_TYPE=Release\n", name);
  return EXIT_FAILURE;
#endif
  try {
    const std::uint64_t argument = argc > 1 ? std::stoull(argv[1]) : default_argument;
    if (argument == 0) throw std::invalid_argument("the argument is at least 1");
    return measure(argument);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return EXIT_FAILURE;
  }
}

}  // namespace bench
