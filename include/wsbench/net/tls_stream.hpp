#pragma once

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <asio/error.hpp>
#include <asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <wsbench/failure.hpp>
#include <wsbench/net/event_loop.hpp>
#include <wsbench/net/stream.hpp>

namespace wsbench::detail {

/// A stream that speaks TLS over another.
///
/// OpenSSL reads and writes the stream below through a BIO of ours, so that reads are stamped as those of a plain stream are, and writes to
/// a peer that has gone raise no SIGPIPE.
class TlsStream final : public Stream, private StreamEvents {
 public:
  /// Takes `ssl` over; it is ready for its handshake. Sessions that the other end gives are kept in `session`.
  TlsStream(EventLoop& loop, Socket socket, StreamEvents& events, SSL* ssl, std::shared_ptr<void>& session)
      : events_(events), below_(loop, std::move(socket), static_cast<StreamEvents&>(*this)), ssl_(ssl), session_(session) {
    BIO* const bio = BIO_new(method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
  }
  ~TlsStream() override {
    // The last word of an orderly end; nobody waits for the other's.
    if (agreed_ && !fault_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  /// Keeps a session that the other end gave; for OpenSSL's callback.
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<TlsStream*>(SSL_get_app_data(ssl))->session_ = std::shared_ptr<SSL_SESSION>(session, SSL_SESSION_free);
    return 1;
  }
  /// Notes that the server asks for a certificate and there is none; for OpenSSL's callback.
  static int no_certificate(SSL* ssl, X509**, EVP_PKEY**) {
    static_cast<TlsStream*>(SSL_get_app_data(ssl))->certificate_wanted_ = true;
    return 0;
  }

  IoResult agree() override {
    if (agreed_) return {};
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_.get());
    if (outcome != 1) return {0, error_of(outcome)};
    agreed_ = true;
    watch_below();
    return {};
  }
  bool resumed() const noexcept override { return SSL_session_reused(ssl_.get()) == 1; }
  std::optional<StreamFault> fault() const override { return fault_; }

  void stamp_arrivals() override {
    stamped_ = true;
    below_.stamp_arrivals();
  }
  IoResult read(std::span<std::uint8_t> into) override {
    IoResult result;
    if (failed_) return {0, failed_};
    ERR_clear_error();
    // Everything that is there: what OpenSSL holds back wakes no event loop.
    do {
      std::size_t got = 0;
      const int outcome = SSL_read_ex(ssl_.get(), into.data() + result.bytes, into.size() - result.bytes, &got);
      result.bytes += got;
      if (outcome == 1) continue;
      result.error = error_of(outcome);
      break;
    } while (result.bytes < into.size() && SSL_has_pending(ssl_.get()) == 1);
    if (result.error && !result.would_block()) failed_ = result.error;
    if (result.bytes > 0) result.error = {};
    again_ = result.bytes > 0 && (failed_ || (result.bytes == into.size() && SSL_has_pending(ssl_.get()) == 1));
    watch_below();
    return result;
  }
  Received receive(std::span<std::uint8_t> into) override { return {read(into), arrival_}; }
  IoResult write(std::string_view bytes) override {
    IoResult result;
    ERR_clear_error();
    while (result.bytes < bytes.size()) {
      std::size_t taken = 0;
      const int outcome = SSL_write_ex(ssl_.get(), bytes.data() + result.bytes, bytes.size() - result.bytes, &taken);
      result.bytes += taken;
      if (outcome == 1) continue;
      result.error = error_of(outcome);
      break;
    }
    if (result.bytes > 0) result.error = {};
    return result;
  }
  void watch_writable(bool watch) override {
    watched_ = watch;
    watch_below();
  }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  // ---- the stream below -------------------------------------------------------------------------------------------------------------

  // May end with this object destroyed.
  void on_ready(bool readable, bool writable) override {
    const bool read_on = writable && (again_ || writing_first_);
    const bool tell_writable = writable && watched_;
    writing_first_ = false;
    if (readable || read_on || tell_writable) events_.on_ready(readable || read_on, tell_writable);
  }
  void on_ready_soon() const override { events_.on_ready_soon(); }

  void watch_below() {
    const bool watch = watched_ || again_ || writing_first_;
    if (std::exchange(watching_, watch) != watch) below_.watch_writable(watch);
  }

  static int bio_write(BIO* bio, const char* bytes, int size) {
    auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const IoResult result = self.below_.write({bytes, static_cast<std::size_t>(size)});
    if (!result.error) return static_cast<int>(result.bytes);
    if (result.would_block()) {
      BIO_set_retry_write(bio);
    } else {
      self.below_failed_ = result.error;
    }
    return -1;
  }
  static int bio_read(BIO* bio, char* into, int size) {
    auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::span<std::uint8_t> place(reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size));
    IoResult result;
    if (self.stamped_) {
      const Received received = self.below_.receive(place);
      if (!received.error) self.arrival_ = received.arrival;
      result = {received.bytes, received.error};
    } else {
      result = self.below_.read(place);
    }
    if (!result.error) return static_cast<int>(result.bytes);
    if (result.would_block()) {
      BIO_set_retry_read(bio);
    } else {
      self.below_failed_ = result.error;
    }
    return -1;
  }
  static long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const fresh = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "wsbench stream");
      if (fresh == nullptr) throw std::bad_alloc();
      BIO_meth_set_write(fresh, bio_write);
      BIO_meth_set_read(fresh, bio_read);
      BIO_meth_set_ctrl(fresh, bio_control);
      return fresh;
    }();
    return made;
  }

  // ---- what went wrong --------------------------------------------------------------------------------------------------------------

  asio::error_code error_of(int outcome) {
    switch (SSL_get_error(ssl_.get(), outcome)) {
      case SSL_ERROR_WANT_READ: return asio::error::would_block;
      case SSL_ERROR_WANT_WRITE:
        writing_first_ = true;
        watch_below();
        return asio::error::would_block;
      case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
      case SSL_ERROR_SYSCALL: return below_failed_ ? below_failed_ : asio::error_code(asio::error::eof);
      default: break;
    }
    if (below_failed_) return below_failed_;
    const unsigned long error = ERR_peek_last_error();
    if (!fault_) fault_ = fault_of(error);
    return {static_cast<int>(error), asio::error::get_ssl_category()};
  }

  StreamFault fault_of(unsigned long error) const {
    const long verified = SSL_get_verify_result(ssl_.get());
    if (!agreed_ && verified != X509_V_OK) return {failure_of_certificate(verified), X509_verify_cert_error_string(verified)};
    const char* const reason = ERR_reason_error_string(error);
    const std::string words = reason != nullptr ? reason : "an error of OpenSSL without a name";
    if (certificate_wanted_) return {Failure::certificate_required, "the server asked for a certificate and got none: " + words};
    return {Failure::tls, words};
  }

  static Failure failure_of_certificate(long verified) noexcept {
    switch (verified) {
      case X509_V_ERR_CERT_HAS_EXPIRED:
      case X509_V_ERR_CERT_NOT_YET_VALID: return Failure::certificate_expired;
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH: return Failure::certificate_host;
      default: return Failure::certificate_untrusted;
    }
  }

  StreamEvents& events_;
  DefaultStream below_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::shared_ptr<void>& session_;
  Arrival arrival_{};  // of what was read last from the stream below
  std::optional<StreamFault> fault_{};
  asio::error_code below_failed_{};
  asio::error_code failed_{};  // what the next read tells
  bool agreed_{false};
  bool stamped_{false};
  bool certificate_wanted_{false};
  bool watched_{false};        // for writing, by whoever uses this
  bool again_{false};          // more can be read at once, of which the stream below knows nothing
  bool writing_first_{false};  // OpenSSL has to write before it can go on
  bool watching_{false};
};

}  // namespace wsbench::detail
