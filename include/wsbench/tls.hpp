#pragma once

/// \file
/// `wss://`: TLS by OpenSSL. Not in the umbrella: who includes it links OpenSSL (CMake: the component and target `wsbench::tls`).

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/ssl/context.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <wsbench/error.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/stream.hpp>
#include <wsbench/net/tls_context.hpp>
#include <wsbench/net/tls_stream.hpp>
#include <wsbench/units.hpp>

namespace wsbench {

/// The oldest version of TLS that is spoken.
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// How a load test speaks TLS; by default it trusts whom this machine trusts, and checks the server's name.
struct TlsOptions {
  std::string ca_file{};                    ///< PEM; whom to trust instead of the system's authorities
  std::string certificate_file{};           ///< PEM; a chain, for servers that ask who is there
  std::string key_file{};                   ///< PEM; the key that belongs to it
  TlsVersion minimum{TlsVersion::tls_1_2};  ///< older versions are refused
  bool resume{true};                        ///< a user who reconnects resumes its own session; first connects never do
  bool insecure{false};                     ///< takes any certificate; the report says so
};

/// How an echo server speaks TLS.
struct TlsServerOptions {
  std::string certificate_file{};  ///< PEM; its chain
  std::string key_file{};          ///< PEM; the key that belongs to it
  std::string client_ca_file{};    ///< PEM; clients have to have a certificate that one of these signed; empty: none is asked for
};

namespace detail {

inline void require_tls(const asio::error_code& error, const char* member, const std::string& file, const char* what) {
  if (error) throw Error(member, in_quotes(file) + " is not read: " + error.message() + ": give " + what);
}

/// A TLS context of OpenSSL's, made through Asio.
class OpenSslContext final : public TlsContext {
 public:
  explicit OpenSslContext(const TlsOptions& options) : context_(asio::ssl::context::tls_client), verifies_(!options.insecure) {
    set_up(options.minimum);
    asio::error_code error;
    if (options.insecure) {
      context_.set_verify_mode(asio::ssl::verify_none, error);
    } else {
      context_.set_verify_mode(asio::ssl::verify_peer, error);
      if (options.ca_file.empty()) {
        context_.set_default_verify_paths(error);
        require_tls(error, "ca_file", "the system's list of authorities", "a file of certificates in PEM");
      } else {
        context_.load_verify_file(options.ca_file, error);
        require_tls(error, "ca_file", options.ca_file, "a file of certificates in PEM");
      }
    }
    SSL_CTX* const native = context_.native_handle();
    if (options.certificate_file.empty() != options.key_file.empty()) {
      throw Error("certificate_file", "a certificate and its key belong together: give both");
    }
    if (options.certificate_file.empty()) {
      SSL_CTX_set_client_cert_cb(native, TlsStream::no_certificate);
    } else {
      use(options.certificate_file, options.key_file);
    }
    // RFC 7301; a list of names, each after its length.
    static constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(native, http_1_1, sizeof http_1_1);
    SSL_CTX_set_session_cache_mode(native, options.resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    if (options.resume) SSL_CTX_sess_set_new_cb(native, TlsStream::keep_session);
  }

  explicit OpenSslContext(const TlsServerOptions& options)
      : context_(asio::ssl::context::tls_server), verifies_(!options.client_ca_file.empty()), server_(true) {
    set_up(TlsVersion::tls_1_2);
    use(options.certificate_file, options.key_file);
    SSL_CTX_set_session_id_context(context_.native_handle(), reinterpret_cast<const unsigned char*>("wsbench"), 7);
    if (!verifies_) return;
    asio::error_code error;
    context_.load_verify_file(options.client_ca_file, error);
    require_tls(error, "client_ca_file", options.client_ca_file, "a file of certificates in PEM");
    context_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
  }

  bool verifies() const noexcept override { return verifies_; }

  std::unique_ptr<Stream> secure(EventLoop& loop, Socket socket, StreamEvents& events, const std::string& host,
                                 std::shared_ptr<void>& session) const override {
    SSL* const ssl = SSL_new(context_.native_handle());
    if (ssl == nullptr) throw std::bad_alloc();
    if (server_) {
      SSL_set_accept_state(ssl);
    } else {
      SSL_set_connect_state(ssl);
      expect_host(ssl, host);
      if (session != nullptr) SSL_set_session(ssl, static_cast<SSL_SESSION*>(session.get()));
    }
    return std::make_unique<TlsStream>(loop, std::move(socket), events, ssl, session);
  }

 private:
  void set_up(TlsVersion minimum) {
    SSL_CTX* const native = context_.native_handle();
    SSL_CTX_set_min_proto_version(native, minimum == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    // An end without close_notify is told by the missing close frame. An idle connection keeps no buffers: 34 KiB each without it.
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // A record costs one read, not one for its head and one for the rest.
    SSL_CTX_set_read_ahead(native, 1);
  }

  void use(const std::string& certificate_file, const std::string& key_file) {
    asio::error_code error;
    context_.use_certificate_chain_file(certificate_file, error);
    require_tls(error, "certificate_file", certificate_file, "a chain of certificates in PEM");
    context_.use_private_key_file(key_file, asio::ssl::context::pem, error);
    require_tls(error, "key_file", key_file, "the certificate's private key in PEM");
  }

  // Whose name the certificate has to bear, and that is asked for (RFC 6066 section 3: a name, never an address).
  void expect_host(SSL* ssl, const std::string& host) const {
    asio::error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    if (not_numeric) {
      SSL_set_tlsext_host_name(ssl, host.c_str());
      if (verifies_) SSL_set1_host(ssl, host.c_str());
    } else if (verifies_) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    }
  }

  mutable asio::ssl::context context_;
  bool verifies_;
  bool server_{false};
};

}  // namespace detail

/// TLS for `Options::tls`; throws Error, naming the member, for a file that cannot be used.
inline std::shared_ptr<const TlsContext> tls(const TlsOptions& options = {}) {
  return std::make_shared<const detail::OpenSslContext>(options);
}

/// TLS for `EchoServer::Options::tls`; throws Error, naming the member, for a file that cannot be used.
inline std::shared_ptr<const TlsContext> tls_server(const TlsServerOptions& options) {
  return std::make_shared<const detail::OpenSslContext>(options);
}

}  // namespace wsbench
