// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of tractor's maybe_open_context (conformance scenarios C-120..127).
//
// Long: one small test for each rule.
#include "runtime/task/resource_cache.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/finally.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;
using Cache = ResourceCache<std::string, int>;

// Opens in one second, closes in one second, counts both.
struct Resource {
  int opened = 0;
  int closed = 0;
  std::string open_error;   // thrown by the next opening
  std::string close_error;  // thrown by every closing

  Task<> Open(const Cache::Hold& hold) {
    co_await Sleep(absl::Seconds(1));
    if (!open_error.empty()) {
      throw std::runtime_error(std::exchange(open_error, ""));
    }
    int value = ++opened;
    co_await hold(value);
    co_await Sleep(absl::Seconds(1));
    ++closed;
    if (!close_error.empty()) throw std::out_of_range(close_error);
  }
};

Task<> Nothing() { co_return; }

// The text of the error that `body` ends with.
template <class F>
Task<std::string> ErrorOf(F& body) {
  try {
    co_await body();
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "";
}

// C-120, C-121.
TEST(ResourceCache, OpensOnceForAllUsersAndTheLastOneWaitsForTheClosing) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    Resource resource;
    int hits = 0, users = 0;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      auto open = [&](const Cache::Hold& hold) { return resource.Open(hold); };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < 10; ++i) {
          n.StartSoon([&]() -> Task<> {
            auto use = [&](int& value, bool hit) -> Task<> {
              EXPECT_EQ(value, 1);
              hits += hit;
              ++users;
              co_await Sleep(absl::Seconds(users));
            };
            co_await cache.MaybeOpen("a", open, use);
          });
        }
        co_return;
      });
      EXPECT_EQ(resource.closed, 1);
      EXPECT_EQ(cache.size(), 0u);
    });
    EXPECT_EQ(resource.opened, 1);
    EXPECT_EQ(users, 10);
    EXPECT_EQ(hits, 9);
    EXPECT_EQ(Now() - start, absl::Seconds(12));
  });
}

// C-126.
TEST(ResourceCache, KeysAreIndependent) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    Resource a, b;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      co_await WithNursery([&](Nursery& n) -> Task<> {
        auto use = [&](int&, bool hit) -> Task<> {
          EXPECT_FALSE(hit);
          co_await Sleep(absl::Seconds(1));
        };
        n.StartSoon([&]() -> Task<> {
          auto open = [&](const Cache::Hold& hold) { return a.Open(hold); };
          co_await cache.MaybeOpen("a", open, use);
        });
        n.StartSoon([&]() -> Task<> {
          auto open = [&](const Cache::Hold& hold) { return b.Open(hold); };
          co_await cache.MaybeOpen("b", open, use);
        });
        co_await WaitAllTasksBlocked();
        EXPECT_EQ(cache.size(), 2u);
      });
    });
    EXPECT_EQ(Now() - start, absl::Seconds(3));
  });
}

TEST(ResourceCache, ErrorWhileOpeningGoesToTheOneThatOpens) {
  RunTest([&]() -> Task<> {
    Resource resource;
    resource.open_error = "no luck";
    std::vector<std::string> ends;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < 3; ++i) {
          n.StartSoon([&]() -> Task<> {
            auto run = [&]() -> Task<> {
              auto open = [&](const Cache::Hold& hold) {
                return resource.Open(hold);
              };
              auto use = [&](int&, bool) -> Task<> { co_await Checkpoint(); };
              co_await cache.MaybeOpen("a", open, use);
            };
            ends.push_back(co_await ErrorOf(run));
          });
        }
        co_return;
      });
    });
    EXPECT_EQ(ends, (std::vector<std::string>{"no luck", "", ""}));
    EXPECT_EQ(resource.opened, 1);
  });
}

// C-122, C-123: it wins over a cancellation.
TEST(ResourceCache, ErrorOfTheClosingGoesToTheLastUser) {
  for (const bool cancelled : {false, true}) {
    RunTest([&]() -> Task<> {
      Resource resource;
      resource.close_error = "broken lid";
      std::string error;
      co_await WithNursery([&](Nursery& host) -> Task<> {
        Cache cache(host);
        auto run = [&]() -> Task<> {
          auto open = [&](const Cache::Hold& hold) {
            return resource.Open(hold);
          };
          auto use = [&](int&, bool) -> Task<> {
            co_await Sleep(absl::Seconds(cancelled ? 100 : 1));
          };
          co_await cache.MaybeOpen("a", open, use);
        };
        auto limited = [&]() -> Task<> {
          co_await MoveOnAfter(absl::Seconds(5), run);
        };
        error = co_await ErrorOf(limited);
        EXPECT_FALSE(host.cancel_scope().cancel_called());
      });
      EXPECT_EQ(error, "broken lid");
    });
  }
}

// C-123.
TEST(ResourceCache, CancelledLastUserWaitsForTheClosing) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    Resource resource;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      auto run = [&]() -> Task<> {
        auto open = [&](const Cache::Hold& hold) {
          return resource.Open(hold);
        };
        auto use = [&](int&, bool) -> Task<> { co_await SleepForever(); };
        co_await cache.MaybeOpen("a", open, use);
        ADD_FAILURE() << "the cancellation goes on";
      };
      const bool done = co_await MoveOnAfter(absl::Seconds(5), run);
      EXPECT_FALSE(done);
      EXPECT_EQ(resource.closed, 1);
      EXPECT_EQ(Now() - start, absl::Seconds(6));
    });
  });
}

TEST(ResourceCache, ErrorsOfUserAndClosingAreBothKept) {
  RunTest([&]() -> Task<> {
    Resource resource;
    resource.close_error = "lid";
    size_t errors = 0;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      try {
        auto open = [&](const Cache::Hold& hold) {
          return resource.Open(hold);
        };
        auto use = [&](int&, bool) -> Task<> {
          co_await Checkpoint();
          throw std::runtime_error("user");
        };
        co_await cache.MaybeOpen("a", open, use);
      } catch (const ExceptionGroup& group) {
        errors = group.errors().size();
      }
    });
    EXPECT_EQ(errors, 2u);
  });
}

// C-125: cancelled while it opens, at any point.
TEST(ResourceCache, CancelledOpenerLeavesTheKeyToTheNext) {
  RunTest([&]() -> Task<> {
    Resource resource;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      auto open = [&](const Cache::Hold& hold) { return resource.Open(hold); };
      bool used = false;
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          auto run = [&]() -> Task<> {
            auto use = [&](int&, bool) -> Task<> { co_await SleepForever(); };
            co_await cache.MaybeOpen("a", open, use);
          };
          co_await MoveOnAfter(absl::Milliseconds(500), run);
        });
        co_await WaitAllTasksBlocked();
        n.StartSoon([&]() -> Task<> {
          auto use = [&](int&, bool hit) -> Task<> {
            EXPECT_FALSE(hit);
            used = true;
            co_await Checkpoint();
          };
          co_await cache.MaybeOpen("a", open, use);
        });
      });
      EXPECT_TRUE(used);
      EXPECT_EQ(host.size(), 0u);
    });
  });
}

// C-127.
TEST(ResourceCache, WhoComesDuringTheClosingOpensAnew) {
  RunTest([&]() -> Task<> {
    Resource resource;
    int second = 0;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      auto open = [&](const Cache::Hold& hold) { return resource.Open(hold); };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          auto use = [&](int&, bool) -> Task<> { co_return; };
          co_await cache.MaybeOpen("a", open, use);
        });
        co_await Sleep(absl::Milliseconds(1500));  // it closes until 2.0
        EXPECT_EQ(resource.closed, 0);
        auto use = [&](int& value, bool hit) -> Task<> {
          EXPECT_FALSE(hit);
          EXPECT_EQ(resource.closed, 1);
          second = value;
          co_return;
        };
        co_await cache.MaybeOpen("a", open, use);
      });
    });
    EXPECT_EQ(second, 2);
    EXPECT_EQ(resource.closed, 2);
  });
}

// A user that comes between the last one's leaving and the closing keeps it
// open.
TEST(ResourceCache, UsersMayFollowEachOther) {
  RunTest([&]() -> Task<> {
    Resource resource;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      auto open = [&](const Cache::Hold& hold) { return resource.Open(hold); };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < 20; ++i) {
          auto user = [&](int number) -> Task<> {
            co_await Sleep(absl::Milliseconds(1000 + 10 * number));
            auto use = [&](int&, bool) -> Task<> {
              co_await Sleep(absl::Milliseconds(10));
            };
            co_await cache.MaybeOpen("a", open, use);
          };
          n.StartSoon(user, i);
        }
        co_return;
      });
      EXPECT_EQ(resource.opened, resource.closed);
      EXPECT_EQ(cache.size(), 0u);
    });
  });
}

// One user comes when the last one is on its way out: the resource stays open
// for it, and the closing is done once, by whoever is then the last.
TEST(ResourceCache, UserThatMeetsTheLastOneAtTheDoorKeepsItOpen) {
  // Bystanders change the order in which the two meet.
  for (int bystanders = 0; bystanders < 12; ++bystanders) {
    const int seconds = bystanders % 2;
    RunTest([&]() -> Task<> {
      Resource resource;
      resource.close_error = "lid";
      std::vector<std::string> ends;
      bool hit = false, used = false;
      Event leave;
      co_await WithNursery([&](Nursery& host) -> Task<> {
        Cache cache(host);
        auto open = [&](const Cache::Hold& hold) {
          return resource.Open(hold);
        };
        auto first = [&]() -> Task<> {
          auto use = [&](int&, bool) -> Task<> { co_await leave.Wait(); };
          co_await cache.MaybeOpen("a", open, use);
        };
        auto second = [&]() -> Task<> {
          // Stands in the door already when the first one wakes up.
          leave.Set();
          for (int i = 0; i < bystanders; ++i) host.StartSoon(Nothing);
          auto use = [&](int&, bool was_open) -> Task<> {
            hit = was_open;
            if (seconds > 0) co_await Sleep(absl::Seconds(seconds));
            used = true;
          };
          co_await cache.MaybeOpen("a", open, use);
        };
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon(
              [&]() -> Task<> { ends.push_back(co_await ErrorOf(first)); });
          co_await Sleep(absl::Seconds(2));
          n.StartSoon(
              [&]() -> Task<> { ends.push_back(co_await ErrorOf(second)); });
        });
      });
      EXPECT_TRUE(hit);
      EXPECT_TRUE(used);
      EXPECT_EQ(resource.opened, 1);
      EXPECT_EQ(resource.closed, 1);
      std::sort(ends.begin(), ends.end());
      EXPECT_EQ(ends, (std::vector<std::string>{"", "lid"}));
    });
  }
}

// C-124.
TEST(ResourceCache, CancelOfTheHostClosesAndCutsUsersShort) {
  RunTest([&]() -> Task<> {
    bool said_goodbye = false;
    std::string error;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      co_await WithNursery([&](Nursery& host) -> Task<> {
        Cache cache(host);
        auto open = [&](const Cache::Hold& hold) -> Task<> {
          int value = 1;
          co_await Finally([&]() -> Task<> { co_await hold(value); },
                           absl::Seconds(5),
                           [&]() -> Task<> {
                             co_await Sleep(absl::Seconds(1));
                             said_goodbye = true;
                           });
        };
        Event ended;
        n.StartSoon([&]() -> Task<> {
          auto run = [&]() -> Task<> {
            auto use = [&](int&, bool) -> Task<> { co_await SleepForever(); };
            co_await cache.MaybeOpen("a", open, use);
          };
          error = co_await ErrorOf(run);
          ended.Set();
        });
        co_await Sleep(absl::Seconds(1));
        host.cancel_scope().Cancel();
        CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
        co_await shield.Run([&]() -> Task<> { co_await ended.Wait(); });
      });
    });
    EXPECT_TRUE(said_goodbye);
    EXPECT_EQ(error, "resource cache: the resource has closed");
  });
}

TEST(ResourceCache, ResourceThatFailsInUseCutsUsersShort) {
  RunTest([&]() -> Task<> {
    std::vector<std::string> errors;
    co_await WithNursery([&](Nursery& host) -> Task<> {
      Cache cache(host);
      // Its own work goes on beside the users'.
      auto open = [&](const Cache::Hold& hold) -> Task<> {
        NurseryOptions options;
        options.set_collapse(true);
        co_await WithNursery(options, [&](Nursery& own) -> Task<> {
          own.StartSoon([]() -> Task<> {
            co_await Sleep(absl::Seconds(1));
            throw std::runtime_error("connection lost");
          });
          int value = 1;
          co_await hold(value);
        });
      };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < 2; ++i) {
          n.StartSoon([&]() -> Task<> {
            auto run = [&]() -> Task<> {
              auto use = [&](int&, bool) -> Task<> { co_await SleepForever(); };
              co_await cache.MaybeOpen("a", open, use);
            };
            errors.push_back(co_await ErrorOf(run));
          });
        }
        co_return;
      });
    });
    EXPECT_EQ(errors, (std::vector<std::string>{
                          "resource cache: the resource has closed",
                          "connection lost"}));
  });
}

}  // namespace
}  // namespace tractor
