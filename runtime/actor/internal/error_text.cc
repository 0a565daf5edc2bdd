// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/error_text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "runtime/actor/aid.h"
#include "runtime/actor/internal/native_stack.h"

namespace tractor::internal {
namespace {

using Lines = std::vector<std::string>;

constexpr size_t kMaxLineBytes = 500;
constexpr size_t kMaxMessageLines = 12;
constexpr size_t kMaxMemberLines = 16;
constexpr int kMaxCauses = 4;
constexpr int kMaxRelays = 8;
constexpr int kMaxPlaces = 6;
constexpr int kMaxFrames = 8;
// Far below what a stack takes, far above what PackError lets through.
constexpr int kMaxDepth = 100;

std::string Clip(std::string_view line) {
  std::string text(line.substr(0, kMaxLineBytes));
  // A peer's text must not drive the terminal of who reads it.
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = c == '\t' ? ' ' : '?';
  }
  if (line.size() > kMaxLineBytes) text += "...";
  return text;
}

// Adds `text`, which may have lines of its own; the others get `indent`.
void AddText(std::string_view text, std::string_view indent, size_t max_lines,
             Lines& lines) {
  for (size_t i = 0; i < max_lines; ++i) {
    const size_t end = text.find('\n');
    std::string line = Clip(text.substr(0, end));
    const bool more = end != text.npos;
    if (more && i + 1 == max_lines) line += " ...";
    lines.push_back((i == 0 ? "" : std::string(indent)) + line);
    if (!more) return;
    text.remove_prefix(end + 1);
  }
}

std::string AidText(const proto::Aid& aid) { return ToString(FromProto(aid)); }

// "type: message", or what says it without the type.
std::string TypeAndMessage(const proto::ErrorProto& error) {
  std::string text = error.message();
  if (error.kind() == proto::ERROR_ACTOR_DIED && !text.empty()) return text;
  if (!text.empty()) text.insert(0, ": ");
  if (error.kind() == proto::ERROR_GROUP) {
    const size_t count = error.nested_size() + size_t{error.dropped_nested()};
    text +=
        " (" + std::to_string(count) + (count == 1 ? " error)" : " errors)");
  }
  return BoxedTypeName(error) + text;
}

std::string Headline(const proto::ErrorProto& error) {
  const bool says_actor =
      error.kind() == proto::ERROR_ACTOR_DIED && !error.message().empty();
  if (says_actor || !error.has_source()) return TypeAndMessage(error);
  return "actor '" + AidText(error.source()) + "': " + TypeAndMessage(error);
}

// From the root cause to `error` itself.
std::vector<const proto::ErrorProto*> CausesOf(const proto::ErrorProto& error) {
  std::vector<const proto::ErrorProto*> chain = {&error};
  while (chain.back()->has_cause() && chain.size() < kMaxDepth) {
    chain.push_back(&chain.back()->cause());
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// What happened first of all that `error` came of: the deepest cause, and of a
// group the first member.
const proto::ErrorProto& RootCause(const proto::ErrorProto& error) {
  const proto::ErrorProto* root = CausesOf(error).front();
  for (int depth = 0; root->nested_size() > 0 && depth < kMaxDepth; ++depth) {
    root = CausesOf(root->nested(0)).front();
  }
  return *root;
}

void AddMembers(const proto::ErrorProto& group, const std::string& indent,
                int depth, Lines& lines) {
  for (int i = 0; i < group.nested_size(); ++i) {
    if (lines.size() > kMaxMemberLines || depth == kMaxDepth) return;
    const proto::ErrorProto& member = group.nested(i);
    const bool last = i + 1 == group.nested_size();
    lines.emplace_back();
    Lines text;
    AddText(Headline(*CausesOf(member).front()), "", 1, text);
    lines.back() = indent + "|- " + text.front();
    AddMembers(member, indent + (last ? "   " : "|  "), depth + 1, lines);
  }
  if (group.dropped_nested() > 0 && lines.size() <= kMaxMemberLines) {
    lines.push_back(indent + "|- and " +
                    std::to_string(group.dropped_nested()) +
                    " more, left out for their size");
  }
}

void AddGroup(const proto::ErrorProto& error, Lines& lines) {
  Lines members;
  AddMembers(error, "", 0, members);
  if (members.size() > kMaxMemberLines) {
    members.resize(kMaxMemberLines - 1);
    members.push_back("|- ...");
  }
  lines.insert(lines.end(), members.begin(), members.end());
}

void AddRelays(const proto::ErrorProto& error, Lines& lines) {
  if (error.relay_path_size() < 2) return;
  std::string path = "  relayed: ";
  const int count = std::min(error.relay_path_size(), kMaxRelays);
  for (int i = 0; i < count; ++i) {
    path += (i == 0 ? "" : " -> ") + AidText(error.relay_path(i));
  }
  if (count < error.relay_path_size()) {
    path += " -> " + std::to_string(error.relay_path_size() - count) + " more";
  }
  lines.push_back(Clip(path));
}

void AddMore(int shown, uint64_t all, Lines& lines) {
  const uint64_t more = all - static_cast<uint64_t>(shown);
  if (more > 0) {
    lines.push_back("    ... " + std::to_string(more) + " more");
  }
}

void AddPlaces(const proto::ErrorProto& error, Lines& lines) {
  const int count = std::min(error.task_places_size(), kMaxPlaces);
  if (count > 0) lines.push_back("  through tasks, innermost first:");
  for (int i = 0; i < count; ++i) {
    const proto::TaskPlace& place = error.task_places(i);
    std::string line = "    " + place.function() + " (" + place.file() + ":" +
                       std::to_string(place.line()) + ")";
    if (!place.task().empty()) line += " in task '" + place.task() + "'";
    lines.push_back(Clip(line));
  }
  if (count == 0) return;
  AddMore(
      count,
      static_cast<uint64_t>(error.task_places_size()) + error.dropped_places(),
      lines);
}

void AddStack(const proto::ErrorProto& error, Lines& lines) {
  const std::vector<std::string> stack = SymbolizeStack(
      {error.native_stack().begin(), error.native_stack().end()});
  const int size = static_cast<int>(stack.size());
  const int count = std::min(size, kMaxFrames);
  if (count > 0) lines.push_back("  thrown in:");
  for (int i = 0; i < count; ++i) {
    lines.push_back(Clip("    " + stack[static_cast<size_t>(i)]));
  }
  AddMore(count, static_cast<uint64_t>(size), lines);
}

// The name of the class that stands for `kind` here.
std::string_view KindName(proto::ErrorKind kind) {
  switch (kind) {
    case proto::ERROR_CONTEXT_CANCELLED:
      return "tractor::ContextCancelled";
    case proto::ERROR_MSG_TYPE:
      return "tractor::MsgTypeError";
    case proto::ERROR_STREAM_OVERRUN:
      return "tractor::StreamOverrun";
    case proto::ERROR_ACTOR_DIED:
      return "tractor::ActorDied";
    case proto::ERROR_ACTOR_TOO_SLOW:
      return "tractor::ActorTooSlowError";
    case proto::ERROR_TRANSPORT_CLOSED:
      return "tractor::TransportClosed";
    case proto::ERROR_ENDPOINT_NOT_EXPOSED:
      return "tractor::EndpointNotExposed";
    case proto::ERROR_RUNTIME_FAILURE:
      return "tractor::RuntimeFailure";
    case proto::ERROR_NO_RUNTIME:
      return "tractor::NoRuntime";
    case proto::ERROR_GROUP:
      return "tractor::ExceptionGroup";
    default:
      return "<unknown>";
  }
}

}  // namespace

std::string BoxedTypeName(const proto::ErrorProto& error) {
  if (!error.type().empty()) return error.type();
  if (!error.native_type().empty()) return error.native_type();
  return std::string(KindName(error.kind()));
}

std::string ErrorHeadline(const proto::ErrorProto& error) {
  Lines lines;
  AddText(Headline(*CausesOf(error).front()), "", 1, lines);
  return lines.empty() ? std::string() : lines.front();
}

std::string ErrorText(const proto::ErrorProto& error) {
  const std::vector<const proto::ErrorProto*> causes = CausesOf(error);
  const proto::ErrorProto& root = RootCause(error);
  Lines lines;
  AddText(Headline(root), "  ", kMaxMessageLines, lines);
  if (&root != causes.front()) {
    AddText("  the first in " + Headline(*causes.front()), "", 1, lines);
  }
  for (size_t i = 1; i < causes.size(); ++i) {
    // Of a long chain the ends say most.
    if (i >= kMaxCauses && i + 1 < causes.size()) continue;
    AddText("  led to " + TypeAndMessage(*causes[i]), "", 1, lines);
  }
  AddGroup(error, lines);
  AddRelays(error, lines);
  AddPlaces(error, lines);
  AddStack(root.native_stack_size() > 0 ? root : error, lines);
  if (lines.size() > kMaxErrorLines) {
    lines.resize(kMaxErrorLines - 1);
    lines.emplace_back("  ...");
  }
  std::string text;
  for (const std::string& line : lines) {
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

}  // namespace tractor::internal
