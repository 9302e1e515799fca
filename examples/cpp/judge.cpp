// Judge pictures with a folder of `baad export --format openvino`, without Python: judge FOLDER PICTURE.ppm ...
//
// Prints a line a picture: verdict, score, threshold, p-value. All that is done to a picture lies inside the network;
// all that makes a verdict of a score lies in decision.json.

#include <openvino/openvino.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Picture {
    std::size_t height, width;
    std::vector<unsigned char> pixels;  // height x width x 3, red first
};

std::string read_text(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + file);
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

// decision.json without its "groups" of near copies, whose lists are called as those of all pictures are.
std::string read_decision(const std::string& file) {
    std::string json = read_text(file);
    const std::size_t found = json.find("\"groups\":");
    if (found != std::string::npos) json.erase(found, json.find('}', found) + 1 - found);
    return json;
}

// The number that begins at `at`, which moves behind it. With a point whatever the program's locale has: strtod would end
// at it where the locale has a comma.
double read_number(const char*& at, const std::string& key) {
    const std::size_t length = std::strspn(at, "+-.0123456789eE");
    std::istringstream text(std::string(at, length));
    text.imbue(std::locale::classic());
    double number = 0;
    if (!(text >> number) || text.peek() != EOF || !std::strchr(",]} \r\n\t", at[length]))
        throw std::runtime_error(key + " in decision.json is no number");
    at += length;
    return number;
}

// The numbers of "key": 1.5 or "key": [1, 2.5] in JSON. The keys read here occur once in what read_decision gives.
std::vector<double> numbers_of(const std::string& json, const std::string& key) {
    const std::size_t found = json.find("\"" + key + "\":");
    if (found == std::string::npos) throw std::runtime_error("decision.json has no " + key);
    const char* at = json.c_str() + found + key.size() + 3;
    at += std::strspn(at, " \r\n\t");
    const bool is_list = *at == '[';
    std::vector<double> numbers;
    do {
        at += std::strspn(at, "[, \r\n\t");
        numbers.push_back(read_number(at, key));
        at += std::strspn(at, " \r\n\t");
    } while (is_list && *at == ',');
    return numbers;
}

// Binary portable pixmap: "P6 width height 255", one space, bytes; '#' begins a comment.
Picture read_ppm(const std::string& file) {
    std::istringstream stream(read_text(file));
    const auto next = [&] {
        std::string word;
        while (stream >> word && word[0] == '#') std::getline(stream, word);
        return word;
    };
    if (next() != "P6") throw std::runtime_error(file + " is no PPM file (P6)");
    Picture picture;
    picture.width = std::stoul(next());
    picture.height = std::stoul(next());
    if (next() != "255") throw std::runtime_error(file + " has not 8 bits a channel");
    stream.get();
    picture.pixels.resize(picture.height * picture.width * 3);
    stream.read(reinterpret_cast<char*>(picture.pixels.data()), static_cast<std::streamsize>(picture.pixels.size()));
    if (!stream) throw std::runtime_error(file + " ends too early");
    return picture;
}

int main(int count, char** words) try {
    if (count < 3) throw std::runtime_error("call it so: judge FOLDER PICTURE.ppm ...");
    const std::string folder = words[1];
    const std::string decision = read_decision(folder + "/decision.json");
    const double threshold = numbers_of(decision, "threshold").at(0);
    const std::vector<double> good = numbers_of(decision, "scores");
    if (decision.find("\"tile_px\":") != std::string::npos && numbers_of(decision, "tile_px").at(0) != 0)
        throw std::runtime_error("the model judges in tiles, which this program does not cut");
    if (decision.find("\"zones\":") != std::string::npos)
        throw std::runtime_error("the model has zones, which this program does not apply");

    ov::Core core;
    // Without f32, processors with bfloat16 use it, and scores are not those of the certificate.
    ov::CompiledModel model = core.compile_model(folder + "/model.xml", "CPU",
                                                 ov::hint::inference_precision(ov::element::f32),
                                                 ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
    ov::InferRequest request = model.create_infer_request();

    for (int index = 2; index < count; ++index) {
        Picture picture = read_ppm(words[index]);
        request.set_tensor("image",
                           ov::Tensor(ov::element::u8, {1, picture.height, picture.width, 3}, picture.pixels.data()));
        request.infer();
        const double score = request.get_tensor("pred_score").data<float>()[0];
        if (!std::isfinite(score)) throw std::runtime_error(std::string(words[index]) + ": the network gives no number");
        const auto as_strange = std::count_if(good.begin(), good.end(), [&](double other) { return other >= score; });
        const double p_value = (1.0 + static_cast<double>(as_strange)) / (static_cast<double>(good.size()) + 1.0);
        std::printf("%s score %.6f threshold %.6f p %.6f\n", score > threshold ? "ng" : "ok", score, threshold, p_value);
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "judge: %s\n", error.what());
    return 2;
}
