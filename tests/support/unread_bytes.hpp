#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace support {

/// Asks the kernel how much of what was written to a socket on this machine its other end has not read yet.
class UnreadBytes {
 public:
  /// `descriptor` is this end of a connection over IPv4.
  explicit UnreadBytes(int descriptor) {
    sockaddr_in here{}, there{};
    socklen_t size = sizeof here;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &size);
    ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&there), &size);
    question_.header.nlmsg_len = sizeof question_;
    question_.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question_.header.nlmsg_flags = NLM_F_REQUEST;
    question_.body.sdiag_family = AF_INET;
    question_.body.sdiag_protocol = IPPROTO_TCP;
    question_.body.idiag_states = ~0U;
    question_.body.id.idiag_sport = there.sin_port;
    question_.body.id.idiag_dport = here.sin_port;
    question_.body.id.idiag_src[0] = there.sin_addr.s_addr;
    question_.body.id.idiag_dst[0] = here.sin_addr.s_addr;
    question_.body.id.idiag_cookie[0] = question_.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  }
  UnreadBytes(const UnreadBytes&) = delete;
  UnreadBytes& operator=(const UnreadBytes&) = delete;
  ~UnreadBytes() { ::close(netlink_); }

  /// In bytes; 0 once the other end is gone, or where the kernel does not tell.
  std::size_t count() const {
    std::array<char, 8192> answer{};
    if (::send(netlink_, &question_, sizeof question_, 0) < 0) return 0;
    const ssize_t size = ::recv(netlink_, answer.data(), answer.size(), 0);
    nlmsghdr header{};
    inet_diag_msg state{};
    if (size < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof state)) return 0;
    std::memcpy(&header, answer.data(), sizeof header);
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return 0;
    std::memcpy(&state, answer.data() + NLMSG_HDRLEN, sizeof state);
    const bool established = state.idiag_state == 1;  // TCP_ESTABLISHED
    return established ? state.idiag_rqueue : 0;
  }

 private:
  struct Question {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
  };

  Question question_{};
  int netlink_{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
};

}  // namespace support
