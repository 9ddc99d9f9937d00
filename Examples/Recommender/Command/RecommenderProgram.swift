import ArgumentParser
import RecommenderKit

@main
enum RecommenderProgram {
    static func main() async {
        await RecommenderCommand.main()
    }
}
