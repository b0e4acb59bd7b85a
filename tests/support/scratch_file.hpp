#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace support {

/// A file of a test's own, gone with it.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& content = {}) {
    const int descriptor = ::mkstemp(name_.data());
    if (descriptor < 0) throw std::system_error(errno, std::system_category(), name_);
    ::close(descriptor);
    std::ofstream(name_, std::ios::binary) << content;
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { std::remove(name_.c_str()); }

  const std::string& name() const noexcept { return name_; }
  std::string content() const {
    std::ifstream file(name_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  std::string name_ = "/tmp/wsbench-test-XXXXXX";
};

}  // namespace support
