#include "training/trainer.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "tests/core/warning_guard.h"
#include "training/host_reads.h"

namespace oddity {
namespace {

/// Two phases on a tiny network; every random number comes from the step.
class TinyTask final : public Task {
public:
  TinyTask()
      : a_(at::full({4, 3}, 0.2).set_requires_grad(true)),
        b_(at::zeros({4}).set_requires_grad(true)),
        seen_(at::zeros({}, at::kLong)) {}
  std::vector<Phase> phases() override { return {{"first", 12, {{"a", a_}, {"b", b_}}}, {"second", 8, {{"b", b_}}}}; }
  void begin(const Phase& phase) override { a_.set_requires_grad(phase.name == "first"); }
  StepResult step(const Phase& phase, std::int64_t step) override {
    if (stop_at_ == step && phase.name == stop_phase_) {
      stop_.request_stop();
    }
    RandomStream random(1, phase.name, static_cast<std::uint64_t>(step));
    at::Tensor x = at::empty({3});
    for (int i = 0; i < 3; ++i) {
      x.data_ptr<float>()[i] = static_cast<float>(random.normal());
    }
    seen_ += 1;
    std::this_thread::sleep_for(pause_);
    StepResult result;
    result.loss =
        (at::matmul(a_, x) + b_ - 1).tanh().pow(2).sum() * (poison_ ? std::numeric_limits<double>::quiet_NaN() : 1.0);
    result.terms = {{"fit", result.loss.detach()}};
    return result;
  }
  std::vector<std::pair<std::string, double>> validate(const Phase&, std::int64_t step) override {
    return {{"validation/steps", static_cast<double>(step)}};
  }
  std::vector<NamedTensor> state() override { return {{"a", a_}, {"b", b_}, {"seen", seen_}}; }
  void fit() override {}
  Package make_package() override { return {}; }

  void stop_in(const std::string& phase, std::int64_t step) { stop_phase_ = phase, stop_at_ = step; }
  std::stop_token token() { return stop_.get_token(); }
  at::Tensor a_, b_, seen_;
  bool poison_ = false;
  std::chrono::milliseconds pause_{0};

private:
  std::stop_source stop_;
  std::string stop_phase_;
  std::int64_t stop_at_ = -1;
};

std::filesystem::path fresh(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

TrainingOptions options() {
  TrainingOptions o;
  o.checkpoint_every = 5, o.log_every = 4;
  return o;
}

std::string metrics_without_times(const std::filesystem::path& folder) {
  std::ifstream file(folder / "metrics.jsonl");
  std::string all, line;
  while (std::getline(file, line)) {
    all += line.substr(0, line.find(",\"seconds\"")) + "\n";
  }
  return all;
}

TEST(Trainer, ResumeEqualsTheUninterruptedRunBitForBit) {
  at::set_num_threads(1);
  TinyTask straight;
  const auto reference = fresh("trainer-straight");
  const TrainResult result = Trainer(reference, options()).run(straight, false, {}, silent_progress());
  EXPECT_EQ(result.steps, 20);
  for (const auto& [phase, step] :
       std::vector<std::pair<std::string, std::int64_t>>{{"first", 0}, {"first", 7}, {"first", 11}, {"second", 3}}) {
    const auto folder = fresh("trainer-stopped");
    TinyTask stopped;
    stopped.stop_in(phase, step);
    try {
      Trainer(folder, options()).run(stopped, false, stopped.token(), silent_progress());
      FAIL() << "the stop was not seen";
    } catch (const Interrupted& stop) {
      EXPECT_EQ(stop.exit_code(), ExitCode::interrupted);
    }
    TinyTask resumed;  // a new process starts from fresh objects
    EXPECT_EQ(Trainer(folder, options()).run(resumed, true, {}, silent_progress()).steps, 20);
    EXPECT_TRUE(at::equal(resumed.a_, straight.a_) && at::equal(resumed.b_, straight.b_) &&
                at::equal(resumed.seen_, straight.seen_))
        << phase << " " << step;
    EXPECT_EQ(metrics_without_times(folder), metrics_without_times(reference)) << "no line twice, none lost";
  }
}

TEST(Trainer, AveragesWeightsAndResumesThem) {
  TrainingOptions o = options();
  o.ema_decay = 0.9;
  TinyTask plain, averaged, stopped, resumed;
  Trainer(fresh("trainer-plain"), options()).run(plain, false, {}, silent_progress());
  Trainer(fresh("trainer-averaged"), o).run(averaged, false, {}, silent_progress());
  EXPECT_FALSE(at::equal(plain.a_, averaged.a_));
  const auto folder = fresh("trainer-averaged-stopped");
  stopped.stop_in("first", 9);
  EXPECT_THROW(Trainer(folder, o).run(stopped, false, stopped.token(), silent_progress()), Interrupted);
  Trainer(folder, o).run(resumed, true, {}, silent_progress());
  EXPECT_TRUE(at::equal(resumed.a_, averaged.a_) && at::equal(resumed.b_, averaged.b_));
}

TEST(Trainer, EveryPhaseEndsAtItsShareOfTheTimeBudget) {
  TinyTask task;
  task.pause_ = std::chrono::milliseconds(40);
  TrainingOptions o = options();
  o.max_seconds = 0.25;  // the steps alone take 0.8 s
  testing::expect_warning("the share of phase first in training.max_seconds is spent");
  testing::expect_warning("the share of phase second in training.max_seconds is spent");
  const TrainResult result = Trainer(fresh("trainer-budget"), o).run(task, false, {}, silent_progress());
  EXPECT_LT(result.steps, 12);
  EXPECT_LT(result.seconds, 0.6);
  EXPECT_FALSE(at::equal(task.b_, at::zeros({4})));
  std::ifstream file(std::filesystem::path(::testing::TempDir()) / "trainer-budget" / "metrics.jsonl");
  const std::string log((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(log.find("\"phase\":\"second\""), std::string::npos) << "the second phase had no step";
}

TEST(Trainer, TimesWholeStepsOfEveryPhase) {
  TinyTask task;
  task.pause_ = std::chrono::milliseconds(20);
  const std::vector<double> seconds = step_seconds(task, options(), 3);
  ASSERT_EQ(seconds.size(), 2u);
  EXPECT_GE(seconds[0], 0.02);
  EXPECT_GE(seconds[1], 0.02);
}

TEST(Trainer, ReadsNothingBackInsideSteps) {
  TinyTask task;
  TrainingOptions o = options();
  const HostReadCounter counter;
  const TrainResult result = Trainer(fresh("trainer-reads"), o).run(task, false, {}, silent_progress());
  EXPECT_EQ(result.host_reads, 0);
  EXPECT_GT(host_reads(), 0) << "log time does read";
}

TEST(Trainer, SaysWhenTheLossIsNotANumber) {
  TinyTask task;
  task.poison_ = true;
  try {
    Trainer(fresh("trainer-nan"), options()).run(task, false, {}, silent_progress());
    FAIL();
  } catch (const ContentError& error) {
    EXPECT_NE(std::string(error.what()).find("learning_rate"), std::string::npos);
  }
}

}  // namespace
}  // namespace oddity
