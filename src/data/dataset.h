#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"
#include "image/image.h"

namespace oddity {

/// A list of samples whose pixels are read on demand. Reading is thread-safe.
class Dataset {
public:
  virtual ~Dataset() = default;
  virtual std::string name() const = 0;  ///< for people: path or URI
  /// How the source was read, for people: "class folders, ..."; empty where there is only one way.
  virtual std::string layout() const { return {}; }
  virtual const std::vector<Sample>& samples() const = 0;
  virtual Image image(std::size_t index) const = 0;  ///< throws ContentError for a damaged file
  virtual Image mask(std::size_t index) const = 0;   ///< u8, 1 channel, 0 or 255, size of the image; all 0 for a good
                                                     ///< sample; throws ContentError on another size
  virtual bool has_mask(
      std::size_t index) const = 0;  ///< good samples count as masked (all zero); a defect without mask file does not
};

/// Opens any source. `where` is a folder in MVTec layout (train/, test/), a folder of class folders or of plain images,
/// one image file (unlabelled, split test), an idx or idx.gz image file (labels beside it), a `.h5` pack, or
/// `synthetic:line?n=200&seed=1&...`. Throws PathError or ContentError
/// that names what was found.
std::unique_ptr<Dataset> open_dataset(const std::string& where);

/// How a dataset was read and what it holds, as one line: "class folders, ...: train: 240 good; test: 60 good, 12
/// rust".
std::string description_of(const Dataset& dataset);

}  // namespace oddity
