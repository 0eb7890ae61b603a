#include "data/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "core/digest.h"
#include "core/files.h"
#include "test_files.h"

namespace oddity {
namespace {

using test::MemoryDataset;
using test::message_of;
using test::numbered_image;
using test::TemporaryFolder;
using testing::HasSubstr;

/// Several sizes, depths and channel counts, masks, groups, columns.
MemoryDataset mixed_dataset() {
  MemoryDataset dataset;
  dataset.add("train/good/0.png", Split::train, "good", numbered_image(5, 7, 1, Depth::u8, 1));
  dataset.add("train/good/1.png", Split::train, "good", numbered_image(5, 7, 3, Depth::u8, 2));
  dataset.add("test/dent/0.png", Split::test, "dent", numbered_image(5, 7, 1, Depth::u8, 3),
              numbered_image(5, 7, 1, Depth::u8, 0));
  dataset.add("test/dent/1.png", Split::test, "dent", numbered_image(9, 3, 4, Depth::u16, 4));
  dataset.add("test/spot/0.png", Split::validation, "spot", numbered_image(300, 200, 1, Depth::u16, 5),
              Image(300, 200, 1, Depth::u8));
  dataset.add("test/x/0.png", Split::calibration, "unknown", numbered_image(1, 1, 1, Depth::u8, 6));
  for (std::byte& value : dataset.masks[2].pixels) {
    value = (value & std::byte{1}) == std::byte{1} ? std::byte{255} : std::byte{0};
  }
  for (std::size_t i = 300; i < 51'000; ++i) {
    dataset.masks[4].u8()[i] = 255;
  }
  dataset.list[0].group = "lot 1";
  dataset.list[2].mask = "ground_truth/dent/0_mask.png";
  for (std::size_t i = 0; i < dataset.list.size(); ++i) {
    dataset.list[i].columns = {{"context.station", "s" + std::to_string(i)}, {"a/b % c", i == 2 ? "\xC3\xA4\n" : ""}};
  }
  return dataset;
}

TEST(Pack, GivesBackEveryByte) {
  const TemporaryFolder folder;
  const MemoryDataset dataset = mixed_dataset();
  const std::filesystem::path file = write_pack(dataset, folder / "packs");
  const auto pack = open_dataset(file.string());
  ASSERT_EQ(pack->samples().size(), dataset.list.size());
  for (std::size_t i = 0; i < dataset.list.size(); ++i) {
    const Sample& a = dataset.list[i];
    const Sample& b = pack->samples()[i];
    EXPECT_EQ(a.file, b.file);
    EXPECT_EQ(a.split, b.split);
    EXPECT_EQ(a.label, b.label);
    EXPECT_EQ(a.mask, b.mask);
    EXPECT_EQ(a.group, b.group);
    EXPECT_EQ(a.columns, b.columns);
    const Image image = pack->image(i);
    EXPECT_EQ(image.height, dataset.images.at(i).height);
    EXPECT_EQ(image.width, dataset.images.at(i).width);
    EXPECT_EQ(image.channels, dataset.images.at(i).channels);
    EXPECT_EQ(image.depth, dataset.images.at(i).depth);
    EXPECT_EQ(image.pixels, dataset.images.at(i).pixels);
    ASSERT_EQ(pack->has_mask(i), dataset.has_mask(i));
    if (dataset.has_mask(i)) {
      EXPECT_EQ(pack->mask(i).pixels, dataset.mask(i).pixels);
    } else {
      EXPECT_THROW(pack->mask(i), ContentError);
    }
  }
}

TEST(Pack, IsNamedAfterItsContentAndReadOnly) {
  const TemporaryFolder folder;
  const std::filesystem::path a = write_pack(mixed_dataset(), folder / "a");
  const std::filesystem::path b = write_pack(mixed_dataset(), folder / "b");
  EXPECT_EQ(a.filename(), b.filename());  // equal content, equal bytes
  EXPECT_EQ(a.stem().string(), sha256_file(a));
  EXPECT_NO_THROW(verify_pack(a));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(a).permissions() & (perms::owner_write | perms::group_write | perms::others_write),
            perms::none);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "a"), {}), 1);
  EXPECT_EQ(write_pack(mixed_dataset(), folder / "a"), a);  // once more changes nothing
}

TEST(Pack, VerifyFindsDamage) {
  const TemporaryFolder folder;
  const std::filesystem::path file = write_pack(mixed_dataset(), folder.path());
  std::vector<std::byte> bytes = read_file(file);
  bytes[bytes.size() / 2] ^= std::byte{1};
  const std::filesystem::path damaged = folder / ("damaged/" + file.filename().string());
  test::write_bytes(damaged, bytes);
  EXPECT_THAT(message_of<ContentError>([&] { verify_pack(damaged); }),
              HasSubstr("damaged; its content has the SHA-256"));
  test::write_bytes(folder / "other.h5", bytes);
  EXPECT_THAT(message_of<ContentError>([&] { verify_pack(folder / "other.h5"); }),
              HasSubstr("the name holds no SHA-256"));
}

TEST(Pack, ServesManyThreadsAtRandom) {
  const TemporaryFolder folder;
  MemoryDataset dataset;
  for (unsigned i = 0; i < 200; ++i) {
    dataset.add(std::to_string(i), Split::train, "good", numbered_image(32, 32, 1, Depth::u8, i));
  }
  const PackDataset pack(write_pack(dataset, folder.path()));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 500; ++k) {
        const std::size_t i = (k * 37 + t * 59) % 200;
        wrong += pack.image(i).pixels == dataset.images.at(i).pixels ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong.load(), 0);
}

/// Makes its images when asked, and keeps none: 2,000 images of 512 x 512 are 500 MB.
class LargeDataset final : public Dataset {
public:
  LargeDataset() : samples_(2'000) {
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      samples_[i].file = std::to_string(i);
    }
  }
  std::string name() const override { return "large"; }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t index) const override {
    Image image(512, 512, 1, Depth::u8);
    std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::byte>(index % 251));
    return image;
  }
  Image mask(std::size_t) const override { return Image(512, 512, 1, Depth::u8); }
  bool has_mask(std::size_t) const override { return true; }

private:
  std::vector<Sample> samples_;
};

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) {
      return std::stol(line.substr(6));
    }
  }
  return 0;
}

TEST(Pack, NeverHoldsTheWholeSet) {
  const TemporaryFolder folder;
  const long before = resident_kib();
  const std::filesystem::path file = write_pack(LargeDataset(), folder.path());
  ASSERT_GT(std::filesystem::file_size(file), 500U << 20U);
  const PackDataset pack(file);
  for (std::size_t i = 0; i < 2'000; i += 7) {
    const std::size_t index = i * 1'009 % 2'000;
    const Image image = pack.image(index);
    ASSERT_EQ(image.u8()[0], index % 251);
    ASSERT_EQ(image.u8()[512 * 512 - 1], index % 251);
  }
  // The file is 500 MiB; table, chunk index and one image are far below a tenth of it.
  EXPECT_LT(resident_kib() - before, 50 * 1'024);
}

TEST(Pack, RefusesOtherFiles) {
  const TemporaryFolder folder;
  EXPECT_THROW(PackDataset(folder / "none.h5"), PathError);
  test::write_text(folder / "text.h5", "not HDF5");
  EXPECT_THAT(message_of<ContentError>([&] { PackDataset pack(folder / "text.h5"); }), HasSubstr("not an HDF5 file"));
  const hid_t file = H5Fcreate((folder / "foreign.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  EXPECT_THAT(message_of<ContentError>([&] { PackDataset pack(folder / "foreign.h5"); }),
              HasSubstr("no pack of oddity"));
}

TEST(Pack, RefusesTruncationAnywhere) {
  const TemporaryFolder folder;
  MemoryDataset dataset;
  for (unsigned i = 0; i < 3; ++i) {
    dataset.add(std::to_string(i), Split::train, "good", numbered_image(16, 16, 1, Depth::u8, i));
  }
  const std::vector<std::byte> bytes = read_file(write_pack(dataset, folder / "packs"));
  for (std::size_t length = 0; length < bytes.size(); length += 13) {
    test::write_bytes(folder / "cut.h5", {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)});
    ASSERT_THROW(PackDataset(folder / "cut.h5"), ContentError) << length;
  }
}

TEST(Pack, AFailedWriteLeavesNothing) {
  const TemporaryFolder folder;
  MemoryDataset damaged = mixed_dataset();
  damaged.images[3] = Image();  // reading it throws
  EXPECT_THAT(message_of<ContentError>([&] { write_pack(damaged, folder / "packs"); }), HasSubstr("test/dent/1.png"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "packs"));
  test::write_text(folder / "file", "x");
  EXPECT_THROW(write_pack(mixed_dataset(), folder / "file" / "packs"), PathError);
  EXPECT_THROW(write_pack(MemoryDataset(), folder / "packs"), InvalidArgument);
}

/// Writes a pack with files limited to 100 kB: what a full disk does, with EFBIG in place of ENOSPC.
std::string message_of_limited_write(const std::filesystem::path& directory) {
  ignore_file_size_signal();
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{100'000, limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = message_of<IoError>([&] { write_pack(mixed_dataset(), directory); });
  setrlimit(RLIMIT_FSIZE, &limit);
  return message;
}

TEST(Pack, AFullDiskIsAnIoError) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of_limited_write(folder / "packs"), HasSubstr("is the disk full"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "packs"));
  const PackDataset pack(write_pack(mixed_dataset(), folder / "packs"));  // and later writes work
  EXPECT_EQ(pack.image(1).pixels, numbered_image(5, 7, 3, Depth::u8, 2).pixels);
}

TEST(Pack, TheProcessEndsCleanlyAfterAFullDisk) {
  // HDF5's own clean-up at exit crashed here (segmentation fault in H5F__close_cb, 1.10.8).
  const TemporaryFolder folder;
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(std::exit(message_of_limited_write(folder / "packs").find("disk full") != std::string::npos ? 0 : 1),
              testing::ExitedWithCode(0), "");
}

TEST(PackRuns, RoundTripAndRefuseWrongSums) {
  for (const unsigned pattern : {0U, 1U, 2U, 3U}) {
    std::vector<std::uint8_t> mask(100'000);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const bool defect = pattern == 0 ? false : pattern == 1 ? true : pattern == 2 ? i % 2 == 0 : i / 300 % 3 == 1;
      mask[i] = defect ? 255 : 0;
    }
    const std::vector<std::uint8_t> runs = encode_runs(mask);
    std::vector<std::uint8_t> back(mask.size(), 7);
    ASSERT_TRUE(decode_runs(runs, back));
    EXPECT_EQ(back, mask);
    back.resize(mask.size() + 1);
    EXPECT_FALSE(decode_runs(runs, back));
    back.resize(mask.size() - 1);
    EXPECT_FALSE(decode_runs(runs, back));
  }
  std::vector<std::uint8_t> four(4);
  EXPECT_TRUE(decode_runs(std::vector<std::uint8_t>{1, 3}, four));
  EXPECT_EQ(four, (std::vector<std::uint8_t>{0, 255, 255, 255}));
  EXPECT_FALSE(decode_runs(std::vector<std::uint8_t>{0x84}, four));  // a number that never ends
  EXPECT_FALSE(decode_runs(std::vector<std::uint8_t>(20, 0xFF), four));
  EXPECT_FALSE(decode_runs({}, four));
}

}  // namespace
}  // namespace oddity
