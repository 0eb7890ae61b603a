#include "operator_times.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include <ATen/record_function.h>

namespace oddity {
namespace {

using Clock = std::chrono::steady_clock;

std::mutex mutex;
std::map<std::string, OperatorTimes::Row> rows;
thread_local double* seconds_of_children = nullptr;

struct Call final : at::ObserverContext {
  Clock::time_point begun = Clock::now();
  double children = 0;
  double* outer = seconds_of_children;
};

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction&) {
  auto call = std::make_unique<Call>();
  seconds_of_children = &call->children;
  return call;
}

void on_end(const at::RecordFunction& function, at::ObserverContext* context) {
  const Call& call = *static_cast<Call*>(context);
  const double seconds = std::chrono::duration<double>(Clock::now() - call.begun).count();
  seconds_of_children = call.outer;
  if (call.outer != nullptr) {
    *call.outer += seconds;
  }
  const std::lock_guard lock(mutex);
  OperatorTimes::Row& row = rows[function.name()];
  ++row.calls;
  row.seconds += seconds - call.children;
}

}  // namespace

OperatorTimes::OperatorTimes()
    : handle_(at::addGlobalCallback(at::RecordFunctionCallback(on_begin, on_end)
                                        .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}))) {}
OperatorTimes::~OperatorTimes() { at::removeCallback(handle_); }

std::vector<OperatorTimes::Row> OperatorTimes::take() {
  const std::lock_guard lock(mutex);
  std::vector<Row> list;
  for (auto& [name, row] : rows) {
    row.name = name;
    list.push_back(row);
  }
  rows.clear();
  std::sort(list.begin(), list.end(), [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  return list;
}

}  // namespace oddity
