#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wsbench/deflate_options.hpp>
#include <wsbench/error.hpp>
#include <wsbench/net/extension.hpp>
#include <wsbench/units.hpp>

namespace wsbench::detail {

/// What both ends of a connection have agreed on (RFC 7692 section 7.1).
struct DeflateAgreement {
  bool client_context_takeover{true};
  bool server_context_takeover{true};
  int client_window_bits{15};
  int server_window_bits{15};

  bool operator==(const DeflateAgreement&) const = default;
};

inline constexpr std::string_view deflate_name = "permessage-deflate";

/// The parameters of an offer or an answer, as they stand there.
struct DeflateParameters {
  bool client_no_context_takeover{false};
  bool server_no_context_takeover{false};
  std::optional<int> client_max_window_bits{};
  std::optional<int> server_max_window_bits{};
};

/// A window's size: a number from 8 to 15 in decimal, without a zero before it (RFC 7692 section 7.1.2).
inline std::optional<int> parse_window_bits(const std::string& text) {
  if (text == "8" || text == "9") return text[0] - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') return 10 + (text[1] - '0');
  return std::nullopt;
}

/// Reads the parameters of permessage-deflate; an offer may leave `client_max_window_bits` without a value. Returns what is wrong with them
/// in words that follow "which", empty if nothing.
inline std::string read_deflate_parameters(const Extension& extension, bool offer, DeflateParameters& parameters) {
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : extension.parameters) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return "has " + in_quotes(name) + " twice";
    seen.push_back(name);
    const bool of_client = name == "client_no_context_takeover" || name == "client_max_window_bits";
    if (name == "client_no_context_takeover" || name == "server_no_context_takeover") {
      if (value) return "gives " + in_quotes(name) + " a value";
      (of_client ? parameters.client_no_context_takeover : parameters.server_no_context_takeover) = true;
    } else if (name == "client_max_window_bits" || name == "server_max_window_bits") {
      std::optional<int>& bits = of_client ? parameters.client_max_window_bits : parameters.server_max_window_bits;
      if (!value && !(offer && of_client)) return "gives " + in_quotes(name) + " no value";
      bits = value ? parse_window_bits(*value) : 15;
      if (!bits) return "gives " + in_quotes(name) + " the value " + in_quotes(*value) + " and not 8 to 15";
    } else {
      return "has the unknown parameter " + in_quotes(name);
    }
  }
  return {};
}

/// What a client asks for in Sec-WebSocket-Extensions.
inline std::string deflate_offer(const DeflateOptions& options) {
  std::string offer{deflate_name};
  if (!options.client_context_takeover) offer += "; client_no_context_takeover";
  if (!options.server_context_takeover) offer += "; server_no_context_takeover";
  offer += "; client_max_window_bits";
  if (options.client_window_bits < 15) offer += '=' + std::to_string(options.client_window_bits);
  if (options.server_window_bits < 15) offer += "; server_max_window_bits=" + std::to_string(options.server_window_bits);
  return offer;
}

/// Takes a server's answer to that offer. Returns why it is no agreement, in words that follow "which"; empty if it is one.
inline std::string take_deflate_answer(const DeflateOptions& offered, std::string_view answer, DeflateAgreement& agreement) {
  const std::optional<std::vector<Extension>> extensions = parse_extensions(answer);
  if (!extensions) return "is no list of extensions";
  for (const Extension& extension : *extensions) {
    if (extension.name != deflate_name) return "was not offered";
  }
  if (extensions->size() > 1) return "is there twice";
  DeflateParameters parameters;
  if (std::string problem = read_deflate_parameters(extensions->front(), false, parameters); !problem.empty()) return problem;
  // What is asked of the server it has to grant, or refuse the extension (RFC 7692 sections 7.1.1.1 and 7.1.2.1).
  if (!offered.server_context_takeover && !parameters.server_no_context_takeover) {
    return "lacks \"server_no_context_takeover\", which was asked for";
  }
  if (parameters.server_max_window_bits.value_or(15) > offered.server_window_bits) {
    return "gives the server a window of more than " + std::to_string(offered.server_window_bits) + " bits";
  }
  if (parameters.client_max_window_bits.value_or(0) > offered.client_window_bits) {
    return "gives the client a window of more than " + std::to_string(offered.client_window_bits) + " bits";
  }
  agreement.client_context_takeover = offered.client_context_takeover && !parameters.client_no_context_takeover;
  agreement.server_context_takeover = !parameters.server_no_context_takeover;
  agreement.client_window_bits = parameters.client_max_window_bits.value_or(offered.client_window_bits);
  agreement.server_window_bits = parameters.server_max_window_bits.value_or(15);
  return {};
}

/// A server's agreement and how it says so.
struct DeflateAnswer {
  DeflateAgreement agreement{};
  std::string header{};
};

/// Answers the first of a client's offers that can be granted; nothing if none can.
inline std::optional<DeflateAnswer> answer_deflate_offer(const DeflateOptions& options, std::string_view offers) {
  const std::vector<Extension> extensions = parse_extensions(offers).value_or(std::vector<Extension>{});
  for (const Extension& extension : extensions) {
    DeflateParameters asked;
    if (extension.name != deflate_name || !read_deflate_parameters(extension, true, asked).empty()) continue;
    DeflateAnswer answer{{}, std::string(deflate_name)};
    DeflateAgreement& agreement = answer.agreement;
    agreement.client_context_takeover = options.client_context_takeover && !asked.client_no_context_takeover;
    agreement.server_context_takeover = options.server_context_takeover && !asked.server_no_context_takeover;
    agreement.server_window_bits = std::min(options.server_window_bits, asked.server_max_window_bits.value_or(15));
    // A client that does not say it can is not to be told (RFC 7692 section 7.1.2.2).
    if (asked.client_max_window_bits) agreement.client_window_bits = std::min(options.client_window_bits, *asked.client_max_window_bits);
    if (!agreement.client_context_takeover) answer.header += "; client_no_context_takeover";
    if (!agreement.server_context_takeover) answer.header += "; server_no_context_takeover";
    if (agreement.client_window_bits < 15) answer.header += "; client_max_window_bits=" + std::to_string(agreement.client_window_bits);
    if (agreement.server_window_bits < 15) answer.header += "; server_max_window_bits=" + std::to_string(agreement.server_window_bits);
    return answer;
  }
  return std::nullopt;
}

}  // namespace wsbench::detail
