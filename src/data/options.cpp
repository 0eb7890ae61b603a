#include "data/options.h"

#include "core/error.h"
#include "image/region_of_interest.h"

namespace oddity {

void describe(OptionsVisitor& visitor, DataOptions& options) {
  visitor.field(options.root,
                {.name = "root",
                 .help = "Dataset: a folder (MVTec layout, class folders or plain images), an idx file, a "
                         ".h5 pack, or synthetic:line?n=200&seed=1.",
                 .required = true,
                 .is_path = true});
  visitor.field(options.image_size,
                {.name = "image_size",
                 .help = "Height and width the model trains on: whole images for stretch and pad, crops for auto and "
                         "native; networks need multiples of 16.",
                 .unit = "px",
                 .minimum = 8,
                 .maximum = 8192,
                 .length = 2});
  visitor.field(
      options.fit,
      {.name = "fit",
       .help = "How an image meets image_size: stretch distorts, pad keeps the aspect, native trains on crops "
               "and judges whole images at their own size, auto does so at a size and aspect near the images' own, of "
               "at most four times the area of image_size.",
       .choices = {"auto", "stretch", "pad", "native"}});
  visitor.field(options.exclude_labels,
                {.name = "exclude_labels", .help = "Labels whose samples are left out of every split."});
  visitor.field(options.full_scale,
                {.name = "full_scale",
                 .help = "Stored value that becomes 1.0, such as 4095 for 12-bit cameras; 0 takes the depth's 255 or "
                         "65535.",
                 .minimum = 0,
                 .maximum = 65535});
  visitor.field(options.channels, {.name = "channels",
                                   .help = "What the model sees: grey, color (RGB), as_is, or auto, which is grey when "
                                           "every training image is grey and color otherwise.",
                                   .choices = {"auto", "grey", "color", "as_is"}});
  visitor.field(options.convert_channels,
                {.name = "convert_channels",
                 .help = "Let the package convert grey to colour and back when it judges, instead of refusing."});
  visitor.field(options.calibration_unit,
                {.name = "calibration_unit",
                 .help = "What is held out for calibration: parts of the same groups, or whole groups, which guards "
                         "rates on new groups.",
                 .choices = {"part", "group"}});
  visitor.field(
      options.calibration_fraction,
      {.name = "calibration_fraction",
       .help = "Share of the good training images that sets the threshold, at least 6 and at most 400 images.",
       .minimum = 0,
       .maximum = 0.8});
  visitor.field(options.validation_fraction,
                {.name = "validation_fraction",
                 .help = "Share of the good training images that watches training, at least 4 and at most 60 images.",
                 .minimum = 0,
                 .maximum = 0.8});
  visitor.field(options.region_of_interest,
                {.name = "region_of_interest",
                 .help = "Polygons that count, as JSON [[[x, y], ...], ...] in fractions of width and height; empty "
                         "means the whole image."});
  visitor.field(
      options.minimum_area,
      {.name = "minimum_area", .help = "Smaller regions are dropped from the verdict.", .unit = "px", .minimum = 0});
  visitor.field(options.millimetres_per_pixel,
                {.name = "millimetres_per_pixel",
                 .help = "Size of a pixel of the original image: one value, or [x, y]; empty when unknown.",
                 .unit = "mm",
                 .minimum = 0});
}

void check_options(const DataOptions& options) {
  const double held_out = options.calibration_fraction + options.validation_fraction;
  if (!(held_out < 1.0)) {
    fail<InvalidArgument>(
        "[data.options] nothing left to train on; got calibration_fraction + validation_fraction = {}; expected less "
        "than 1",
        held_out);
  }
  if (options.millimetres_per_pixel.size() > 2) {
    fail<InvalidArgument>("[data.options] millimetres_per_pixel has {} values; expected none, one, or [x, y]",
                          options.millimetres_per_pixel.size());
  }
  for (const double size : options.millimetres_per_pixel) {
    if (!(size > 0.0)) {
      fail<InvalidArgument>("[data.options] millimetres_per_pixel out of range; got {}; expected a positive size",
                            size);
    }
  }
  parse_polygons(options.region_of_interest);
}

}  // namespace oddity
