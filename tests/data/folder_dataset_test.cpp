#include "data/folder_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/decode.h"
#include "test_files.h"
#include "tests/core/warning_guard.h"

namespace oddity {
namespace {

using test::message_of;
using test::numbered_image;
using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void put(const std::filesystem::path& file, int height = 4, int width = 6, int channels = 1) {
  std::filesystem::create_directories(file.parent_path());
  write_png(file, numbered_image(height, width, channels, Depth::u8).view());
}

std::string refusal(const TemporaryFolder& folder) {
  return message_of<ContentError>([&] { FolderDataset dataset(folder.path()); });
}

std::vector<std::string> files_of(const Dataset& dataset) {
  std::vector<std::string> files;
  for (const Sample& sample : dataset.samples()) {
    files.push_back(sample.file);
  }
  return files;
}

TEST(FolderDataset, ReadsTheMvtecLayout) {
  const TemporaryFolder folder;
  put(folder / "train/good/b.png");
  put(folder / "train/good/a.PNG");
  put(folder / "test/good/0.png");
  put(folder / "test/scratch/0.png");
  put(folder / "test/scratch/1.png");
  put(folder / "ground_truth/scratch/0_mask.png");
  test::write_text(folder / "train/good/notes.txt", "skipped");
  put(folder / "train/good/.hidden.png");
  const FolderDataset dataset(folder.path());
  EXPECT_THAT(files_of(dataset), ElementsAre("test/good/0.png", "test/scratch/0.png", "test/scratch/1.png",
                                             "train/good/a.PNG", "train/good/b.png"));
  const auto& samples = dataset.samples();
  EXPECT_EQ(samples[0].split, Split::test);
  EXPECT_TRUE(samples[0].good());
  EXPECT_EQ(samples[1].label, "scratch");
  EXPECT_EQ(samples[1].mask, "ground_truth/scratch/0_mask.png");
  EXPECT_EQ(samples[2].mask, "");
  EXPECT_EQ(samples[3].split, Split::train);
  EXPECT_TRUE(dataset.has_mask(0));
  EXPECT_TRUE(dataset.has_mask(1));
  EXPECT_FALSE(dataset.has_mask(2));
  EXPECT_EQ(dataset.image(0).pixels, numbered_image(4, 6, 1, Depth::u8).pixels);
  const Image none = dataset.mask(0);
  EXPECT_EQ(none.height, 4);
  EXPECT_EQ(none.width, 6);
  EXPECT_TRUE(std::all_of(none.pixels.begin(), none.pixels.end(), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_THAT(message_of<ContentError>([&] { dataset.mask(2); }), HasSubstr("label scratch and no mask"));
}

TEST(FolderDataset, OkMeansGoodAndLooseImagesAreNotLost) {
  const TemporaryFolder folder;
  put(folder / "train/good/a.png");
  put(folder / "test/OK/0.png");
  EXPECT_TRUE(FolderDataset(folder.path()).samples()[0].good());
  put(folder / "test/loose.png");
  EXPECT_THAT(refusal(folder), AllOf(HasSubstr("loose.png"), HasSubstr("expected a folder for each label")));
}

TEST(FolderDataset, AMaskBelongsToOneImage) {
  const TemporaryFolder folder;
  put(folder / "train/good/a.png");
  put(folder / "validation/scratch/0.png");
  put(folder / "test/scratch/0.png");
  put(folder / "ground_truth/scratch/0_mask.png");
  EXPECT_THAT(refusal(folder), AllOf(HasSubstr("validation/scratch/0.png"), HasSubstr("test/scratch/0.png")));
  put(folder / "ground_truth/validation/scratch/0_mask.png");
  const FolderDataset dataset(folder.path());
  EXPECT_EQ(dataset.samples()[0].mask, "ground_truth/scratch/0_mask.png");
  EXPECT_EQ(dataset.samples()[2].mask, "ground_truth/validation/scratch/0_mask.png");
}

TEST(FolderDataset, MasksCountEveryValueButZero) {
  const TemporaryFolder folder;
  put(folder / "test/dent/0.png", 1, 4);
  Image mask(1, 4, 4, Depth::u16);
  mask.u16()[1] = 1;       // green of pixel 0
  mask.u16()[4 + 3] = 9;   // alpha of pixel 1: does not count
  mask.u16()[8] = 65'535;  // red of pixel 2
  std::filesystem::create_directories(folder / "ground_truth/dent");
  write_png(folder / "ground_truth/dent/0_mask.png", mask.view());
  const Image read = FolderDataset(folder.path()).mask(0);
  ASSERT_EQ(read.channels, 1);
  EXPECT_EQ(std::vector<int>(read.u8(), read.u8() + 4), (std::vector<int>{255, 0, 255, 0}));
}

TEST(FolderDataset, AMaskOfAnotherSizeNamesBoth) {
  const TemporaryFolder folder;
  put(folder / "test/dent/0.png", 4, 6);
  put(folder / "ground_truth/dent/0_mask.png", 6, 4);
  const FolderDataset dataset(folder.path());
  EXPECT_THAT(message_of<ContentError>([&] { dataset.mask(0); }),
              AllOf(HasSubstr("0_mask.png is 6x4"), HasSubstr("0.png is 4x6"), HasSubstr("expected the same size")));
}

TEST(FolderDataset, AnIndexLeads) {
  const TemporaryFolder folder;
  for (const char* name : {"b.png", "a.png", "sub dir/c.png", "d,1.png"}) {
    put(folder / name);
  }
  put(folder / "m.png");
  test::write_text(folder / "index.csv",
                   "split,file,label,mask,group,context.light,shift\n"
                   "test,b.png,dent,m.png,lot1,0.5,night\n"
                   "train,a.png,good,,lot1,,day\n"
                   "validation,sub dir/c.png,unknown,,,0.7,\n"
                   "calibration,\"d,1.png\",good,,,1,x\n");
  const FolderDataset dataset(folder.path());
  EXPECT_THAT(files_of(dataset), ElementsAre("a.png", "b.png", "d,1.png", "sub dir/c.png"));
  const auto& samples = dataset.samples();
  EXPECT_EQ(samples[0].split, Split::train);
  EXPECT_EQ(samples[0].group, "lot1");
  EXPECT_THAT(samples[0].columns, ElementsAre(::testing::Pair("context.light", ""), ::testing::Pair("shift", "day")));
  EXPECT_EQ(samples[1].mask, "m.png");
  EXPECT_EQ(samples[2].split, Split::calibration);
  EXPECT_EQ(samples[3].split, Split::validation);
  EXPECT_FALSE(samples[3].labelled());
  EXPECT_FALSE(dataset.has_mask(3));
  EXPECT_EQ(dataset.layout(), "index.csv");
}

TEST(FolderDataset, ImagesThatTheIndexLeavesOutAreCounted) {
  const TemporaryFolder folder;
  put(folder / "a.png");
  put(folder / "more/c.png");
  put(folder / "more/b.png");
  put(folder / ".hidden/d.png");
  put(folder / "ground_truth/dent/a_mask.png");
  test::write_text(folder / "index.csv", "file,split,label\na.png,train,good\n");
  testing::expect_warning("2 image files in " + folder.path().string() +
                          " are not in its index.csv and are not used: more/b.png is the first");
  EXPECT_EQ(FolderDataset(folder.path()).samples().size(), 1U);
}

TEST(FolderDataset, SaysHowItWasReadAndWhenTheParentIsMeant) {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) {
    put(folder / ("set/train/good/" + std::to_string(i) + ".png"));
  }
  put(folder / "set/test/dent/0.png");
  EXPECT_EQ(description_of(FolderDataset(folder / "set")),
            "folders of splits and labels: train: 10 good; test: 1 dent");
  testing::expect_warning("set/train is read alone, although test lies beside it: give");
  EXPECT_EQ(description_of(FolderDataset(folder / "set/train")),
            "class folders without splits, of which every fifth good image is for test: train: 8 good; test: 2 good");
  EXPECT_EQ(description_of(FolderDataset(folder / "set/train/good")), "images without labels: test: 10 unknown");
}

TEST(FolderDataset, AnIndexWithoutMaskColumnFindsMasksByName) {
  const TemporaryFolder folder;
  put(folder / "test/dent/0.png");
  put(folder / "ground_truth/dent/0_mask.png");
  test::write_text(folder / "index.csv", "file,split,label\ntest/dent/0.png,test,dent\n");
  EXPECT_EQ(FolderDataset(folder.path()).samples()[0].mask, "ground_truth/dent/0_mask.png");
}

TEST(FolderDataset, ABadIndexIsRefusedWithItsLine) {
  const TemporaryFolder folder;
  put(folder / "a.png");
  const auto with = [&](const std::string& text) {
    test::write_text(folder / "index.csv", text);
    return refusal(folder);
  };
  EXPECT_THAT(with("file,label\na.png,good\n"), HasSubstr("index.csv:1: column 'split' is missing; got [file, label]"));
  EXPECT_THAT(with("file,split,label\n"), HasSubstr("index.csv:1: no rows"));
  EXPECT_THAT(with("file,split,label\na.png,train,good\nz.png,train,good\n"),
              HasSubstr("index.csv:3: column file: 'z.png' does not exist"));
  EXPECT_THAT(with("file,split,label\na.png,training,good\n"), HasSubstr("index.csv:2: column split: got 'training'"));
  EXPECT_THAT(with("file,split,label\na.png,train,\n"), HasSubstr("index.csv:2: column label is empty"));
  EXPECT_THAT(with("file,split,label\na.png,train,good\na.png,test,good\n"),
              HasSubstr("index.csv:3: file 'a.png' appears twice"));
  EXPECT_THAT(with("file,split,label\n../a.png,train,good\n"), HasSubstr("expected a path inside the dataset"));
  EXPECT_THAT(with("file,split,label\n/etc/hosts,train,good\n"), HasSubstr("expected a path inside the dataset"));
  EXPECT_THAT(with("file,split,label,mask\na.png,test,dent,m.png\n"),
              HasSubstr("index.csv:2: column mask: 'm.png' does not exist"));
  EXPECT_THAT(with("file,split,label\na.png,train\n"), HasSubstr("index.csv:2: row has 2 cells"));
}

TEST(FolderDataset, ClassFoldersKeepEveryFifthGoodForTest) {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) {
    put(folder / ("OK/" + std::to_string(i) + ".png"));
  }
  put(folder / "dent/0.png");
  const FolderDataset dataset(folder.path());
  std::vector<std::string> test_files;
  for (const Sample& sample : dataset.samples()) {
    EXPECT_EQ(sample.label, sample.file.starts_with("OK/") ? "good" : "dent");
    if (sample.split == Split::test) {
      test_files.push_back(sample.file);
    }
  }
  EXPECT_THAT(test_files, ElementsAre("OK/4.png", "OK/9.png", "dent/0.png"));
}

TEST(FolderDataset, PlainImagesAreUnknown) {
  const TemporaryFolder folder;
  put(folder / "b.png");
  put(folder / "a.png");
  const FolderDataset dataset(folder.path());
  EXPECT_THAT(files_of(dataset), ElementsAre("a.png", "b.png"));
  EXPECT_EQ(dataset.samples()[0].label, "unknown");
  EXPECT_EQ(dataset.samples()[0].split, Split::test);
  EXPECT_FALSE(dataset.has_mask(0));
}

TEST(FolderDataset, RefusesFoldersItCannotUse) {
  const TemporaryFolder empty;
  EXPECT_THAT(refusal(empty), HasSubstr("holds no images"));
  const TemporaryFolder without_good;
  put(without_good / "train/bad/0.png");
  put(without_good / "test/good/0.png");
  EXPECT_THAT(refusal(without_good), HasSubstr("has no images in train/good; got the folders [bad] in train"));
  const TemporaryFolder empty_good;
  std::filesystem::create_directories(empty_good / "train/good");
  EXPECT_THAT(refusal(empty_good), HasSubstr("has no images in train/good"));
  const TemporaryFolder empty_test;
  std::filesystem::create_directories(empty_test / "test/good");
  EXPECT_THAT(refusal(empty_test), HasSubstr("holds no images"));
  const TemporaryFolder mixed;
  put(mixed / "0.png");
  put(mixed / "dent/0.png");
  EXPECT_THAT(refusal(mixed), HasSubstr("has 1 image of its own and images in the folders [dent]"));
  EXPECT_THAT(message_of<PathError>([&] { FolderDataset dataset(empty / "none"); }), HasSubstr("is not a folder"));
}

TEST(FolderDataset, ADamagedImageIsNamed) {
  const TemporaryFolder folder;
  test::write_text(folder / "a.png", "");
  test::write_text(folder / "b.png", "text");
  const FolderDataset dataset(folder.path());
  EXPECT_THAT(message_of<ContentError>([&] { dataset.image(0); }), HasSubstr("a.png: empty file"));
  EXPECT_THAT(message_of<ContentError>([&] { dataset.image(1); }), HasSubstr("b.png: not an image"));
}

TEST(OpenDataset, TellsSourcesApart) {
  const TemporaryFolder folder;
  put(folder / "set/a.png");
  test::write_text(folder / "list.txt", "x");
  EXPECT_EQ(open_dataset((folder / "set").string())->samples().size(), 1U);
  const auto one = open_dataset((folder / "set/a.png").string());
  ASSERT_EQ(one->samples().size(), 1U);
  EXPECT_EQ(one->samples()[0].label, "unknown");
  EXPECT_EQ(one->image(0).width, 6);
  EXPECT_THAT(message_of<PathError>([&] { open_dataset((folder / "none").string()); }), HasSubstr("does not exist"));
  EXPECT_THAT(message_of<PathError>([&] { open_dataset(""); }), HasSubstr("does not exist"));
  EXPECT_THAT(message_of<ContentError>([&] { open_dataset((folder / "list.txt").string()); }),
              HasSubstr("is of no known kind"));
}

}  // namespace
}  // namespace oddity
