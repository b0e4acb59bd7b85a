// URLs: what is taken apart and put together again is the same, and a request has it where it belongs.

#include <string>

#include <wsbench/net/handshake.hpp>
#include <wsbench/net/url.hpp>

#include "support/fuzzing.hpp"

using support::demand;
using wsbench::detail::parse_url;
using wsbench::detail::Url;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Url url;
  if (!support::accepted([&] { url = parse_url(support::text_of(data, size)); })) return 0;
  demand(!url.host.empty() && url.port != 0 && url.resource.starts_with('/'), "a URL has host, port and path");
  Url again;
  const std::string text = (url.secure ? "wss://" : "ws://") + url.authority() + url.resource;
  demand(support::accepted([&] { again = parse_url(text); }), "a URL that was read can be written and read again");
  demand(again == url, "a URL that was read, written and read again is the same");

  wsbench::detail::MessagePool pool(1000);
  wsbench::Random random{1};
  const std::string request = wsbench::detail::ClientHandshake(url, {}, {}, pool, random).request();
  demand(request.starts_with("GET " + url.resource + " HTTP/1.1\r\n"), "the request is for the resource");
  demand(request.find("\r\nHost: " + url.authority() + "\r\n") != request.npos, "the request names the host");
  demand(request.find("\r\n\r\n") == request.size() - 4, "the request is one head");
  return 0;
}
