// training_speed_bench CONFIG STEPS THREADS [KEY=VALUE ...]: what a training step costs beside the same step on one
// batch held in memory, where the time goes in a training and in an evaluation, and how many numbers a step reads back
// to the host. JSON on standard output.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include "augment/synthetic_defects.h"
#include "backends/torch/torch_backend.h"
#include "core/config.h"
#include "core/error.h"
#include "data/splits.h"
#include "evaluation/evaluate.h"
#include "operator_times.h"
#include "training/anomaly_data.h"
#include "training/anomaly_losses.h"
#include "training/anomaly_task.h"
#include "training/autocast.h"
#include "training/calibrate.h"
#include "training/device.h"
#include "training/host_reads.h"
#include "training/moving_average.h"
#include "training/optimizer.h"

using namespace oddity;
using Json = nlohmann::ordered_json;

namespace {

/// Adds wall and processor time of this process to a part while it lives.
struct Part {
  std::string name;
  double seconds = 0, cpu_seconds = 0;
  std::vector<double> times;

  template <class F>
  auto measure(F&& work) {
    const Clock clock(*this);
    return work();
  }

private:
  struct Clock {
    explicit Clock(Part& part) : part_(part) {}
    ~Clock() {
      const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
      part_.seconds += wall;
      part_.cpu_seconds += static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC;
      part_.times.push_back(wall);
    }
    Part& part_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::clock_t cpu_ = std::clock();
  };
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Json json_of(const std::vector<Part>& parts) {
  Json list = Json::array();
  for (const Part& part : parts) {
    list.push_back({{"part", part.name},
                    {"count", part.times.size()},
                    {"seconds", part.seconds},
                    {"cpu_seconds", part.cpu_seconds}});
  }
  return list;
}

Json json_of(const std::vector<OperatorTimes::Row>& rows) {
  double total = 0;
  for (const OperatorTimes::Row& row : rows) {
    total += row.seconds;
  }
  Json list = Json::array();
  for (const OperatorTimes::Row& row : rows) {
    if (list.size() < 15) {
      list.push_back(
          {{"operator", row.name}, {"calls", row.calls}, {"seconds", row.seconds}, {"share", row.seconds / total}});
    }
  }
  return list;
}

struct FixedBatch {
  at::Tensor image, mask, weight, context;
};

/// The batch as training makes it, without shift, jitter and noise, which do not change what a step computes.
FixedBatch make_fixed_batch(const AnomalyConfig& config, const AnomalyData& data, AnomalyModel& model,
                            c10::Device device) {
  const torch::NoGradGuard no_grad;
  const std::int64_t batch = config.training.batch;
  std::vector<at::Tensor> clean, donors;
  for (std::int64_t i = 0; i < batch; ++i) {
    clean.push_back(data.train.whole(i % data.train.count(), 1));
    donors.push_back(data.train.whole((i + 1) % data.train.count(), 1));
  }
  const Corruption corruption = corrupt(at::cat(clean).contiguous(), at::cat(donors).contiguous(), config.defects,
                                        {data.facts.two_level, data.facts.enlargement}, 1, 0);
  FixedBatch out{corruption.image.to(device).contiguous(at::MemoryFormat::ChannelsLast),
                 corruption.mask.to(device),
                 corruption.weight.to(device),
                 {}};
  const at::Tensor context = model.context();
  if (context.defined()) {
    out.context = context.unsqueeze(0).expand({batch, -1, -1, -1});
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || std::atoi(argv[2]) < 10 || std::atoi(argv[3]) < 1) {
    std::fprintf(stderr, "usage: training_speed_bench CONFIG STEPS THREADS [KEY=VALUE ...], at least 10 steps\n");
    return 2;
  }
  const std::int64_t steps = std::atoi(argv[2]);
  const int threads = std::atoi(argv[3]);
  at::set_num_threads(threads);
  std::vector<std::string> overrides(argv + 4, argv + argc);
  overrides.push_back("training.steps=" + std::to_string(steps));
  const AnomalyConfig config = read_options<AnomalyConfig>(ConfigDocument::load(argv[1], overrides));
  const c10::Device device = resolve_device(config.training.device);
  const std::unique_ptr<Dataset> dataset = open_dataset(config.data.root);
  const Splits splits = make_splits(dataset->samples(), config.data, static_cast<std::uint64_t>(config.training.seed));

  Part load{"read images"}, draw{"draw crops and gather them"}, corruption{"draw defects"},
      whole{"batch and forward, whole step"};
  Part fixed_forward{"forward and losses, fixed batch"}, backward{"backward"}, update{"optimiser"},
      log{"read losses for the log"};
  Part fixed{"step on a fixed batch"}, full{"full step"}, fit{"statistics"}, package_part{"trace and export"},
      calibration{"calibrate through the engine"};

  const AnomalyData data = load.measure([&] { return load_anomaly_data(*dataset, splits, config, silent_progress()); });
  AnomalyTask task(config, data);
  if (!task.model().learns_from_defects()) {
    fail<InvalidArgument>(
        "[bench.training_speed] the model does not learn from synthetic defects; got {}; expected one that does, such "
        "as oddnet",
        config.model.name);
  }
  const Phase phase = task.phases().front();
  for (const auto& [name, parameter] : phase.parameters) {
    if (parameter.dim() == 4) {
      at::Tensor(parameter).set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
  task.begin(phase);
  FusedAdamW optimizer(phase.parameters, config.training);
  MovingAverage average(phase.parameters, config.training.ema_decay);
  const FixedBatch batch = make_fixed_batch(config, data, task.model(), device);
  const bool bf16 = use_bf16(config.training.precision, device.type());

  const auto fixed_step = [&](std::int64_t step) {
    task.model().set_training(true);
    const at::Tensor loss = fixed_forward.measure([&] {
      AnomalyOutputs out;
      {
        const Autocast autocast(device.type(), bf16);
        out = task.model().forward(batch.image, batch.context);
      }
      return localization_loss(out.logits.to(at::kFloat), batch.mask, batch.weight) +
             0.2 * image_loss(out.image_logit.to(at::kFloat), batch.mask);
    });
    loss.backward();
    optimizer.step(learning_rate_at(step, phase.steps, config.training));
    average.update(step);
  };
  std::int64_t reads = 0;
  const auto full_step = [&](std::int64_t step) {
    const std::int64_t before = host_reads();
    const StepResult result = whole.measure([&] { return task.step(phase, step); });
    backward.measure([&] { result.loss.backward(); });
    update.measure([&] {
      optimizer.step(learning_rate_at(step, phase.steps, config.training));
      average.update(step);
    });
    reads += host_reads() - before;
    if (step % config.training.log_every == 0) {
      log.measure([&] { return result.loss.item<double>(); });
    }
  };

  for (std::int64_t i = 0; i < 5; ++i) {  // the first steps plan kernels
    full_step(i);
    fixed_step(i);
  }
  for (Part* part : {&whole, &backward, &update, &log, &fixed_forward}) {
    *part = Part{part->name};
  }
  // In turns, so that other load on the machine meets both alike.
  for (std::int64_t i = 0; i < steps; ++i) {
    full.measure([&] { full_step(i); });
    fixed.measure([&] { fixed_step(i); });
  }
  // Counting and operator times cost a callback per operator, so they have steps of their own.
  {
    const HostReadCounter counter;
    reads = 0;
    for (std::int64_t i = 0; i < 10; ++i) {
      full_step(i);
    }
  }
  const std::int64_t reads_in_ten_steps = reads;
  for (std::int64_t i = 0; i < steps; ++i) {
    const torch::NoGradGuard no_grad;
    const auto [clean, donors] = draw.measure([&] {
      const CropPlan plan =
          plan_crops(data.train.count(), data.train.height(), data.train.width(), batch.image.size(2),
                     batch.image.size(3), config.training.batch, data.facts, 1, static_cast<std::uint64_t>(i));
      return std::pair(data.train.gather(plan.picks, plan.rows, plan.columns).contiguous(),
                       data.train.gather(plan.donor_picks, plan.donor_rows, plan.donor_columns).contiguous());
    });
    corruption.measure([&] {
      return corrupt(clean, donors, config.defects, {data.facts.two_level, data.facts.enlargement}, 1,
                     static_cast<std::uint64_t>(i * config.training.batch));
    });
  }
  std::vector<OperatorTimes::Row> training_operators, evaluation_operators;
  {
    const OperatorTimes times;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(steps, 20); ++i) {
      full_step(i);
    }
    training_operators = OperatorTimes::take();
  }
  fit.measure([&] { task.fit(); });
  std::optional<Package> package = package_part.measure([&] { return std::optional(task.make_package()); });
  BackendOptions backend;
  backend.device = device.str();
  backend.threads = threads;
  const std::unique_ptr<Backend> torch_backend = make_torch_backend();
  calibration.measure([&] {
    calibrate(*package, *dataset, splits.calibration, config.calibration.overkill_budget, *torch_backend, backend, {},
              silent_progress());
  });

  Part plan{"plan the graph, self-tests"}, decode{"read and decode images"}, judge{"judge: prepare, graph, verdict"},
      numbers{"metrics with intervals"};
  EngineOptions engine_options;
  engine_options.backend = backend;
  const Package judged_with = *package;
  const Engine engine = plan.measure([&] { return Engine(*package, *torch_backend, engine_options); });
  EvaluateOptions evaluate;
  evaluate.exclude_labels = config.data.exclude_labels;
  evaluate.workers = 1;
  const auto worker = engine.make_worker();
  for (const std::size_t index : select_samples(*dataset, evaluate)) {
    const Image image = decode.measure([&] { return dataset->image(index); });
    judge.measure([&] { return worker->judge(image.view()); });
  }
  const Judgement judgement = judge_dataset(engine, *dataset, evaluate, {}, silent_progress());
  numbers.measure([&] { return metrics_json(judgement, judged_with); });
  {
    const OperatorTimes times;
    for (std::size_t i = 0; i < std::min<std::size_t>(50, dataset->samples().size()); ++i) {
      worker->judge(dataset->image(i).view());
    }
    evaluation_operators = OperatorTimes::take();
  }

  const Json out = {
      {"model", config.model.name},
      {"data", dataset->name()},
      {"aligned", data.facts.aligned},
      {"batch", config.training.batch},
      {"threads", threads},
      {"device", device.str()},
      {"precision", bf16 ? "bf16" : "f32"},
      {"steps", steps},
      {"full_ms", 1000 * median(full.times)},
      {"fixed_ms", 1000 * median(fixed.times)},
      {"ratio", median(fixed.times) / median(full.times)},
      {"ratio_cpu", fixed.cpu_seconds / full.cpu_seconds},
      {"host_reads_per_step", static_cast<double>(reads_in_ten_steps) / 10},
      {"training_parts", json_of(std::vector<Part>{load, full, fixed, whole, draw, corruption, fixed_forward, backward,
                                                   update, log, fit, package_part, calibration})},
      {"training_operators", json_of(training_operators)},
      {"evaluation_parts", json_of(std::vector<Part>{plan, decode, judge, numbers})},
      {"evaluation_operators", json_of(evaluation_operators)}};
  std::printf("%s\n", out.dump(1).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "training_speed_bench: %s\n", error.what());
  return 1;
}
