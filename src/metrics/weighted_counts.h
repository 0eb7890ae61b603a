#pragma once

namespace oddity::metrics::detail {

/// sum of w_j X_j with independent Poisson counts X_j and known weights: its gamma confidence limits (Fay and Feuer
/// 1997). With equal weights they are the exact ones for a Poisson mean.
class WeightedCounts {
public:
  /// Also weights without a count must be added: the largest enters the upper limit.
  void add(double weight, double count);

  double value() const { return value_; }
  /// Limits that are missed with a probability of `miss` each. Without a count the upper one is the largest weight
  /// times -log(miss).
  double lower(double miss) const;
  double upper(double miss) const;

  /// A gamma distribution: shape 0 stands for a point mass at 0.
  struct Gamma {
    double shape, scale;
  };
  Gamma lower_distribution() const;
  Gamma upper_distribution() const;

private:
  double value_ = 0, variance_ = 0, largest_weight_ = 0;
};

/// Limits of a / (a + b), melded from those of a and b (Fay, Proschan and Brittain 2015): the ratio of two gamma
/// variables is a beta variable, so that there is a closed form. With weights of 1 they are Clopper and Pearson's.
double share_lower(const WeightedCounts& a, const WeightedCounts& b, double miss);
double share_upper(const WeightedCounts& a, const WeightedCounts& b, double miss);

}  // namespace oddity::metrics::detail
