#pragma once

/// \file
/// permessage-deflate: messages compressed by zlib. Not in the umbrella: who includes it links zlib (CMake: the component and target
/// `wsbench::deflate`).

#include <memory>
#include <string>

#include <wsbench/deflate_options.hpp>
#include <wsbench/error.hpp>
#include <wsbench/net/compression.hpp>
#include <wsbench/net/deflate_codec.hpp>

namespace wsbench {

namespace detail {

inline void require_range(const char* member, int value, int least, int most) {
  if (value >= least && value <= most) return;
  throw Error(member, std::to_string(value) + " is none that zlib knows: give " + std::to_string(least) + " to " + std::to_string(most));
}

/// Compression by zlib.
class ZlibCompression final : public Compression {
 public:
  explicit ZlibCompression(const DeflateOptions& chosen) : Compression(chosen) {
    require_range("client_window_bits", chosen.client_window_bits, 8, 15);
    require_range("server_window_bits", chosen.server_window_bits, 8, 15);
    require_range("level", chosen.level, 1, 9);
    require_range("memory_level", chosen.memory_level, 1, 9);
  }

  std::unique_ptr<CodecFactory> codecs() const override { return std::make_unique<DeflateCodecs>(options()); }
};

}  // namespace detail

/// Compression for `Options::deflate` and `EchoServer::Options::deflate`; throws Error, naming the member, for what zlib cannot do.
inline std::shared_ptr<const Compression> deflate(const DeflateOptions& options = {}) {
  return std::make_shared<const detail::ZlibCompression>(options);
}

}  // namespace wsbench
