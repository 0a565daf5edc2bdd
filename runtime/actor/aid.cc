// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/aid.h"

#include <unistd.h>

#include <cstddef>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "os/boot_id.h"
#include "os/proc_fs.h"
#include "os/random.h"
#include "proto/ids.pb.h"
#include "runtime/io/status_error.h"
#include "runtime/wire/utf8.h"

namespace tractor {
namespace {

constexpr size_t kUuidBytes = 16;

std::string RandomUuidBytes() {
  std::string uuid(kUuidBytes, '\0');
  io::OrThrow(os::FillRandom(std::as_writable_bytes(std::span(uuid))));
  // Version 4, variant 1, so that tools that read uuids believe it.
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

// "0f04addf-8e71-4193-b14b-8ac0d07bb27a" to 16 bytes; "" for anything else.
std::string ParseUuid(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits += c;
  }
  for (const char c : digits) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return "";
  }
  if (digits.size() != 2 * kUuidBytes) return "";
  return absl::HexStringToBytes(digits);
}

}  // namespace

std::string ToString(const Aid& aid) {
  return aid.name + "@" + std::to_string(aid.pid);
}

std::string UuidText(const Aid& aid) {
  if (aid.uuid.size() != kUuidBytes) return "";
  std::string text = absl::BytesToHexString(aid.uuid);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

proto::Aid ToProto(const Aid& aid) {
  proto::Aid result;
  result.set_name(wire::ToUtf8(aid.name));
  result.set_uuid(aid.uuid);
  result.set_pid(aid.pid);
  result.set_start_time(aid.start_time);
  result.set_host(wire::ToUtf8(aid.host));
  result.set_boot_id(aid.boot_id);
  return result;
}

Aid FromProto(const proto::Aid& aid) {
  Aid result;
  result.name = aid.name();
  result.uuid = aid.uuid();
  result.pid = aid.pid();
  result.start_time = aid.start_time();
  result.host = aid.host();
  result.boot_id = aid.boot_id();
  return result;
}

Aid MakeBareAid(std::string_view name) {
  Aid aid;
  aid.name = name;
  aid.uuid = RandomUuidBytes();
  return aid;
}

Aid MakeAid(std::string_view name) {
  Aid aid = MakeBareAid(name);
  aid.pid = getpid();
  // Without /proc the uuid still tells actors apart.
  if (const auto key = os::GetProcessKey(aid.pid); key.ok()) {
    aid.start_time = key->start_time;
  }
  aid.host = os::HostName();
  if (const auto boot_id = os::BootId(); boot_id.ok()) {
    aid.boot_id = ParseUuid(*boot_id);
  }
  return aid;
}

}  // namespace tractor
