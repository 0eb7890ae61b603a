#include "cli/command.h"
#include "cli/metrics/subcommands.h"

namespace oddity::cli {

void add_metrics(CLI::App& app, Chosen& chosen) {
  CLI::App* metrics = add_command(app, "metrics", "Numbers with intervals from a CSV file of scores and labels.",
                                  "  oddity metrics ranking runs/first/test/scores.csv\n"
                                  "  oddity metrics rates scores.csv --threshold 1.67 --group camera\n"
                                  "  oddity metrics threshold good.csv --budget 0.01\n"
                                  "  oddity metrics certify scores.csv --escape 0.01\n"
                                  "Python has all of them: import oddity.metrics.\n");
  metrics->require_subcommand(1);
  add_ranking(*metrics, chosen);
  add_rates(*metrics, chosen);
  add_certify(*metrics, chosen);
  add_calibration(*metrics, chosen);
  add_cost(*metrics, chosen);
  add_selective(*metrics, chosen);
  add_production(*metrics, chosen);
  add_drift(*metrics, chosen);
  add_outliers(*metrics, chosen);
  add_sets(*metrics, chosen);
}

}  // namespace oddity::cli
