#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <wsbench/report/axis.hpp>
#include <wsbench/report/markup.hpp>
#include <wsbench/report/svg_path.hpp>

namespace wsbench::detail {

/// A curve of a picture, in the units of its axes; its points ascend by x.
struct Curve {
  std::string name{};
  std::vector<CurvePoint> points{};
};

/// Curves over one vertical axis.
struct Panel {
  std::string title{};
  Axis y;
  std::vector<Curve> curves{};
  bool bars{false};  ///< each point is a stroke up from the axis, as counts are
};

/// A stretch of the horizontal axis that is not like the rest, from its low end or to its high one.
struct Band {
  double from{0};
  double to{0};
  std::string text{};
};

/// A place on the horizontal axis that is worth a look.
struct Mark {
  double at{0};
  std::string text{};
};

/// Panels one above the other over one horizontal axis.
struct Picture {
  std::string title{};        ///< what it is
  std::string description{};  ///< what it shows, in a sentence, for who does not see it
  Axis x;
  std::vector<Panel> panels{};
  std::vector<Band> bands{};
  std::vector<Mark> marks{};
};

/// One of several things that follow each other: from when until when, in the units of its axis.
struct Span {
  std::string name{};
  double from{0};
  double to{0};
  std::string text{};  ///< how long
};

/// Spans one below the other.
struct SpanPicture {
  std::string title{};
  std::string description{};
  Axis x;
  std::vector<Span> spans{};
};

/// Writes the elements of an SVG picture.
///
/// What a picture needs stands in attributes, so that it is readable where styles are stripped; styles may colour the classes c0 to c3, and
/// enlarge the text by half, for which there is room.
class SvgWriter {
 public:
  static constexpr double width = 720;
  static constexpr double line_height = 20;

  void begin(std::string_view title, std::string_view description, double height) {
    write("<svg role=\"img\" viewBox=\"0 0 {} {}\" width=\"100%\">\n", width, height);
    write("<title>{}</title>\n<desc>{}</desc>\n", escaped_markup(title), escaped_markup(description));
    svg_ += R"(<g fill="none" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" font-size="13">)"
            "\n";
  }

  template <class... Arguments>
  void write(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(svg_), format, std::forward<Arguments>(arguments)...);
  }

  void text(double x, double y, std::string_view anchor, std::string_view words, std::string_view more = {}) {
    write("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"{}\" fill=\"currentColor\"{}>{}</text>\n", x, y, anchor, more,
          escaped_markup(words));
  }

  void grid(std::string_view lines) {
    write("<path stroke=\"currentColor\" stroke-opacity=\".2\" stroke-width=\".7\" d=\"{}\"/>\n", lines);
  }

  std::string end() {
    svg_ += "</g>\n</svg>\n";
    return std::move(svg_);
  }

 private:
  std::string svg_{};
};

/// Draws a picture of curves that can be told apart without colour, by dashes and by names beside them.
class CurveDrawing {
 public:
  explicit CurveDrawing(const Picture& picture) : picture_(picture) {}

  std::string svg() {
    svg_.begin(picture_.title, picture_.description, panel_height * static_cast<double>(picture_.panels.size()) + foot);
    for (std::size_t index = 0; index < picture_.panels.size(); ++index) {
      top_ = panel_height * static_cast<double>(index) + head;
      draw(picture_.panels[index], index == 0);
    }
    for (const Tick& tick : picture_.x.ticks()) {
      svg_.text(x_of(tick.value), top_ + plot_height + SvgWriter::line_height, "middle", tick.text);
    }
    return svg_.end();
  }

 private:
  static constexpr double left = 76;
  static constexpr double plot_width = 500;
  static constexpr double plot_height = 130;
  static constexpr double head = 30;
  static constexpr double panel_height = plot_height + head + 14;
  static constexpr double foot = 18;
  static constexpr double column = 2;
  static constexpr std::array<std::string_view, 4> dashes{"", "7 4", "2 4", "9 4 2 4"};

  double x_of(double value) const { return left + plot_width * picture_.x.position(value); }
  double y_of(const Axis& axis, double value) const { return top_ + plot_height * (1 - axis.position(value)); }

  void draw(const Panel& panel, bool first) {
    svg_.text(left, top_ - 10, "start", panel.title, " font-weight=\"bold\"");
    for (const Band& band : picture_.bands) draw(band, first);
    for (std::size_t row = 0; row < picture_.marks.size(); ++row) draw(picture_.marks[row], row, first);
    std::string lines;
    for (const Tick& tick : panel.y.ticks()) {
      const double y = y_of(panel.y, tick.value);
      lines += fmt::format("M{:.0f} {:.1f}h{:.0f}", left, y, plot_width);
      svg_.text(left - 6, y + 4, "end", tick.text);
    }
    for (const Tick& tick : picture_.x.ticks()) lines += fmt::format("M{:.1f} {:.0f}v{:.0f}", x_of(tick.value), top_, plot_height);
    svg_.grid(lines);
    std::vector<std::optional<double>> ends;
    for (std::size_t index = 0; index < panel.curves.size(); ++index) {
      const std::vector<CurvePoint> points = placed(panel, panel.curves[index]);
      path(index, panel.bars ? bars(panel, points) : svg_path(points));
      const auto last = std::find_if(points.rbegin(), points.rend(), [](const CurvePoint& point) { return point.y.has_value(); });
      ends.push_back(last == points.rend() ? std::nullopt : last->y);
    }
    names(panel, ends);
  }

  void draw(const Band& band, bool named) {
    const double from = x_of(band.from);
    const double to = x_of(band.to);
    if (to - from < 1) return;
    svg_.write("<rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"{:.0f}\" fill=\"currentColor\" fill-opacity=\".07\"/>\n", from,
               top_, to - from, plot_height);
    if (!named || band.text.empty()) return;
    const bool begins = from <= left;
    svg_.text(begins ? from + 4 : to - 4, top_ + 14, begins ? "start" : "end", band.text, " fill-opacity=\".75\"");
  }

  // Their texts stand one below the other, on the left where there is room: curves of a load rise to the right.
  void draw(const Mark& mark, std::size_t row, bool named) {
    const double x = x_of(mark.at);
    svg_.write("<path stroke=\"currentColor\" stroke-opacity=\".6\" stroke-dasharray=\"3 3\" d=\"M{:.1f} {:.0f}v{:.0f}\"/>\n", x, top_,
               plot_height);
    if (!named) return;
    constexpr double room = 110;
    const bool right = x < left + room;
    svg_.text(right ? x + 5 : x - 5, top_ + 14 + SvgWriter::line_height * static_cast<double>(row), right ? "start" : "end", mark.text);
  }

  std::vector<CurvePoint> placed(const Panel& panel, const Curve& curve) const {
    std::vector<CurvePoint> points;
    points.reserve(curve.points.size());
    for (const CurvePoint& point : curve.points) {
      points.push_back({x_of(point.x), point.y ? std::optional{y_of(panel.y, *point.y)} : std::nullopt});
    }
    return reduced(points, column);
  }

  // What is not 0 is seen, however little it is.
  std::string bars(const Panel& panel, const std::vector<CurvePoint>& points) const {
    const double zero = y_of(panel.y, 0);
    std::string strokes;
    for (const CurvePoint& point : points) {
      if (point.y && *point.y < zero) strokes += fmt::format("M{:.1f} {:.1f}V{:.1f}", point.x, zero, std::min(*point.y, zero - 2));
    }
    return strokes;
  }

  static std::string dash_of(std::size_t index) {
    const std::string_view dash = dashes.at(index % dashes.size());
    return dash.empty() ? std::string() : fmt::format(" stroke-dasharray=\"{}\"", dash);
  }

  void path(std::size_t index, std::string_view strokes) {
    if (strokes.empty()) return;
    svg_.write("<path class=\"c{}\" stroke=\"currentColor\"{} d=\"{}\"/>\n", index % dashes.size(), dash_of(index), strokes);
  }

  // Beside the ends of the curves, in their order, as far apart as lines of text are; at the bottom those that were not measured.
  void names(const Panel& panel, const std::vector<std::optional<double>>& ends) {
    const double bottom = top_ + plot_height;
    std::vector<std::size_t> order(ends.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return ends[a].value_or(bottom) < ends[b].value_or(bottom); });
    std::vector<double> places;
    for (const std::size_t index : order) {
      const double above = places.empty() ? top_ : places.back() + SvgWriter::line_height;
      places.push_back(std::max(ends[index].value_or(bottom), above));
    }
    // The last ones may have come too low.
    double below = bottom;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
      *place = std::min(*place, below);
      below = *place - SvgWriter::line_height;
    }
    for (std::size_t n = 0; n < order.size(); ++n) {
      const double x = left + plot_width + 8;
      path(order[n], fmt::format("M{:.0f} {:.1f}h22", x, places[n]));
      svg_.text(x + 27, places[n] + 4, "start", panel.curves[order[n]].name + (ends[order[n]] ? "" : " n/a"));
    }
  }

  const Picture& picture_;
  SvgWriter svg_{};
  double top_{0};  // of the plot that is drawn
};

inline std::string to_svg(const Picture& picture) {
  return CurveDrawing{picture}.svg();
}

inline std::string to_svg(const SpanPicture& picture) {
  constexpr double left = 90;
  constexpr double length = 480;
  constexpr double row = 26;
  const double height = row * static_cast<double>(picture.spans.size());
  const auto x_of = [&](double value) { return left + length * picture.x.position(value); };
  SvgWriter svg;
  svg.begin(picture.title, picture.description, height + 30);
  std::string lines;
  for (const Tick& tick : picture.x.ticks()) {
    lines += fmt::format("M{:.1f} 4v{:.0f}", x_of(tick.value), height);
    svg.text(x_of(tick.value), height + 4 + SvgWriter::line_height, "middle", tick.text);
  }
  svg.grid(lines);
  double top = 8;
  for (const Span& span : picture.spans) {
    const double from = x_of(span.from);
    const double to = std::max(x_of(span.to), from + 2);
    svg.text(left - 8, top + 14, "end", span.name);
    svg.write("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"18\" fill=\"currentColor\" fill-opacity=\".35\"/>\n",
              from, top, to - from);
    svg.text(to + 6, top + 14, "start", span.text);
    top += row;
  }
  return svg.end();
}

}  // namespace wsbench::detail
