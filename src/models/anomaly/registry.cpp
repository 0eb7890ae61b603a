#include "models/anomaly/registry.h"

#include <array>

#include "core/error.h"
#include "models/anomaly/autoencoder.h"
#include "models/anomaly/oddnet.h"
#include "models/anomaly/pixel_template.h"

namespace oddity {
namespace {

struct Entry {
  const char* name;
  const char* help;
  std::unique_ptr<AnomalyModel> (*make)(const AnomalyModelOptions&, const AnomalyInput&, std::uint64_t);
};

// To add a model: one header and one source beside this file, and one line here (CONTRIBUTING.md).
constexpr std::array<Entry, 3> models = {{
    {"oddnet",
     "From-scratch network: localises synthetic defects drawn into good images, adds statistics of its own features, "
     "repairs what it finds.",
     make_oddnet},
    {"autoencoder", "Plain convolutional autoencoder scored by its reconstruction error: the baseline to beat.",
     make_autoencoder},
    {"pixel_template", "Mean and spread of good images at every pixel, no training: the simplest honest model.",
     make_pixel_template},
}};

}  // namespace

void describe(OptionsVisitor& visitor, AnomalyModelOptions& options) {
  visitor.field(options.name, {.name = "name",
                               .help = "Which model; `oddity list models` says what each is.",
                               .choices = anomaly_model_names()});
  visitor.field(options.size, {.name = "size", .help = "Width of the network.", .choices = {"small", "base", "large"}});
}

std::vector<std::string> anomaly_model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : models) {
    names.emplace_back(entry.name);
  }
  return names;
}

std::string anomaly_model_help(const std::string& name) {
  for (const Entry& entry : models) {
    if (name == entry.name) {
      return entry.help;
    }
  }
  fail<InvalidArgument>(
      "[models.registry] unknown anomaly model; got '{}'; expected oddnet, autoencoder or pixel_template", name);
}

std::unique_ptr<AnomalyModel> make_anomaly_model(const AnomalyModelOptions& options, const AnomalyInput& input,
                                                 std::uint64_t seed) {
  anomaly_model_help(options.name);  // throws for an unknown name
  for (const Entry& entry : models) {
    if (options.name == entry.name) {
      return entry.make(options, input, seed);
    }
  }
  return nullptr;
}

}  // namespace oddity
