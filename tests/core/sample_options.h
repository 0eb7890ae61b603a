#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.h"

/// Options of every kind that a config can hold; for the tests of reading and writing.
namespace oddity {

struct SampleSchedule {
  double rate = 3e-3;
  std::vector<double> decay = {0.9, 0.999};
};
inline void describe(OptionsVisitor& v, SampleSchedule& o) {
  v.field(o.rate, {.name = "rate", .help = "Step size.", .minimum = 0, .maximum = 1});
  v.field(o.decay, {.name = "decay", .help = "Decay of the moments.", .minimum = 0, .maximum = 1, .length = 2});
}

struct SampleTraining {
  std::int64_t steps = 4000;
  std::int64_t seed = 0;
  bool resume = false;
  std::string device = "auto";
  SampleSchedule schedule;
};
inline void describe(OptionsVisitor& v, SampleTraining& o) {
  v.field(o.steps, {.name = "steps", .help = "Steps of the optimiser.", .unit = "steps", .minimum = 1, .maximum = 1e9});
  v.field(o.seed, {.name = "seed", .help = "Seed of all random numbers.", .minimum = 0});
  v.field(o.resume, {.name = "resume", .help = "Go on where a run stopped."});
  v.field(o.device, {.name = "device", .help = "Where to compute.", .choices = {"auto", "cpu", "cuda"}});
  section(v, "schedule", "How the step size changes.", o.schedule);
}

struct SampleData {
  std::string root;
  std::vector<std::int64_t> image_size = {128, 128};
  std::vector<std::string> exclude_labels;
  std::vector<std::string> folders;
  double full_scale = 0;
};
inline void describe(OptionsVisitor& v, SampleData& o) {
  v.field(o.root, {.name = "root", .help = "Folder with the images.", .required = true, .is_path = true});
  v.field(o.image_size,
          {.name = "image_size", .help = "[height, width].", .unit = "px", .minimum = 8, .maximum = 4096, .length = 2});
  v.field(o.exclude_labels, {.name = "exclude_labels", .help = "Labels to leave out."});
  v.field(o.folders, {.name = "folders", .help = "Further folders.", .is_path = true});
  v.field(o.full_scale, {.name = "full_scale", .help = "Value that becomes 1.", .minimum = 0});
}

struct SampleOptions {
  std::string model = "oddnet";
  SampleData data;
  SampleTraining training;
};
inline void describe(OptionsVisitor& v, SampleOptions& o) {
  v.field(o.model, {.name = "model", .help = "Name in the registry."});
  section(v, "data", "What to learn from.", o.data);
  section(v, "training", "How to learn.", o.training);
}

}  // namespace oddity
