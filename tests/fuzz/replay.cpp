// Gives a fuzz target the inputs of the folders it is called with, each in a block of its own, so that a sanitizer sees what reads past it.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "support/fuzzing.hpp"

int main(int count, char** arguments) try {
  std::size_t inputs = 0;
  for (int folder = 1; folder < count; ++folder) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[folder])) {
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);  // a broken rule ends the program: its input is the last that was named
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++inputs;
    }
  }
  if (inputs == 0) std::fprintf(stderr, "no inputs\n");
  return inputs == 0 ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
