#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wsbench/report/picture.hpp>

#include "catch.hpp"

using namespace wsbench::detail;

namespace {

Picture of_curves(std::vector<Curve> curves, bool bars = false) {
  return {"A <title>", "what it shows & why", time_axis(10), {{"Panel", count_axis(10), std::move(curves), bars}}, {}};
}

// Where the text of this name stands, from the top.
double height_of(const std::string& svg, const std::string& name) {
  const std::size_t text = svg.find('>' + name + "</text>");
  INFO(svg);
  REQUIRE(text != svg.npos);
  const std::size_t y = svg.rfind(" y=\"", text);
  return std::atof(svg.c_str() + y + 4);
}

}  // namespace

TEST_CASE("a picture has its title and description, whatever they hold", "[picture]") {
  const std::string svg = to_svg(of_curves({{"a", {{0, 1}, {10, 9}}}}));
  CHECK(svg.starts_with("<svg role=\"img\" "));
  CHECK(svg.find("<title>A &lt;title&gt;</title>\n<desc>what it shows &amp; why</desc>") != svg.npos);
  CHECK(svg.ends_with("</g>\n</svg>\n"));
}

TEST_CASE("names stand beside the ends of their curves, in their order and apart", "[picture]") {
  const std::string svg = to_svg(of_curves({{"low", {{0, 1}, {10, 1}}}, {"high", {{0, 9}, {10, 9}}}, {"middle", {{0, 1}, {10, 5}}}}));
  CHECK(height_of(svg, "middle") - height_of(svg, "high") == Approx(52).margin(1));  // 4 of 10 of the plot's 130
  CHECK(height_of(svg, "low") - height_of(svg, "middle") == Approx(52).margin(1));
  const std::string crowded = to_svg(of_curves({{"a", {{10, 0}}}, {"b", {{10, 0.1}}}, {"c", {{10, 0.2}}}, {"d", {{10, 0.3}}}}));
  CHECK(height_of(crowded, "c") - height_of(crowded, "d") >= 20);
  CHECK(height_of(crowded, "b") - height_of(crowded, "c") >= 20);
  CHECK(height_of(crowded, "a") - height_of(crowded, "b") >= 20);
  const std::string above = to_svg(of_curves({{"a", {{10, 10}}}, {"b", {{10, 10}}}, {"c", {{10, 9.9}}}}));
  CHECK(height_of(above, "b") - height_of(above, "a") >= 20);
  CHECK(height_of(above, "c") - height_of(above, "b") >= 20);
  // The highest is at the top of the plot, not above it, and the lowest at the axis, not below it.
  CHECK(height_of(above, "a") == height_of(to_svg(of_curves({{"a", {{10, 10}}}})), "a"));
  CHECK(height_of(crowded, "a") == height_of(to_svg(of_curves({{"a", {{10, 0}}}})), "a"));
}

TEST_CASE("the name of a curve that was not measured says so", "[picture]") {
  const std::string svg = to_svg(of_curves({{"p99", {{0, std::nullopt}, {10, std::nullopt}}}, {"p50", {{0, 3}, {10, 3}}}}));
  CHECK(svg.find(">p99 n/a</text>") != svg.npos);
  CHECK(svg.find(">p50</text>") != svg.npos);
}

TEST_CASE("curves have dashes of their own", "[picture]") {
  const std::string svg = to_svg(of_curves({{"a", {{0, 1}}}, {"b", {{0, 2}}}, {"c", {{0, 3}}}, {"d", {{0, 4}}}}));
  CHECK(svg.find("<path class=\"c0\" stroke=\"currentColor\" d=") != svg.npos);
  for (const std::string_view curve :
       {"c1\" stroke=\"currentColor\" stroke-dasharray=\"7 4\"", "c2\" stroke=\"currentColor\" stroke-dasharray=\"2 4\"",
        "c3\" stroke=\"currentColor\" stroke-dasharray=\"9 4 2 4\""}) {
    CHECK(svg.find(curve) != svg.npos);
  }
}

TEST_CASE("a bar is seen however small it is, and none where there is nothing", "[picture]") {
  Picture picture = of_curves({{"errors", {{1, 0}, {2, 0.001}, {3, 10}, {4, std::nullopt}}}}, true);
  const std::string svg = to_svg(picture);
  CHECK(svg.find("d=\"M176.0 160.0V158.0M226.0 160.0V30.0\"") != svg.npos);
}

TEST_CASE("a band is shaded in every panel and named in the first", "[picture]") {
  Picture picture = of_curves({{"a", {{0, 1}}}});
  picture.panels.push_back(picture.panels.front());
  picture.bands.push_back({0, 5, "warm-up"});
  picture.bands.push_back({7, 7, "of no width"});
  const std::string svg = to_svg(picture);
  const std::string_view rect = "<rect x=\"76.0\"";
  const std::size_t first = svg.find(rect);
  REQUIRE(first != svg.npos);
  CHECK(svg.find("width=\"250.0\"", first) != svg.npos);
  const std::size_t second = svg.find(rect, first + 1);
  REQUIRE(second != svg.npos);
  CHECK(svg.find(rect, second + 1) == svg.npos);
  CHECK(svg.find(">warm-up<") == svg.rfind(">warm-up<"));
  CHECK(svg.find("of no width") == svg.npos);
}

TEST_CASE("spans are drawn from where they begin to where they end", "[picture]") {
  const SpanPicture picture{
      "Phases", "one after the other", duration_axis(4e6, 4e6), {{"TCP", 0, 1e6, "1.00 ms"}, {"TLS", 1e6, 4e6, "3.00 ms"}}};
  const std::string svg = to_svg(picture);
  CHECK(svg.find("x=\"90.0\" y=\"8\" width=\"120.0\"") != svg.npos);
  CHECK(svg.find("x=\"210.0\" y=\"34\" width=\"360.0\"") != svg.npos);
  CHECK(height_of(svg, "TLS") == height_of(svg, "3.00 ms"));
}
