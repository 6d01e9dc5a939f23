#pragma once
// Private to the registry: one SQLite connection of ours, with the schema in force, statements kept
// and errors translated. One thread owns it.

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "registry/store/place.h"
#include "registry/store/store.h"

namespace beamgrid {

/// The schema's steps; `user_version` counts those that a database has taken.
[[nodiscard]] const std::vector<std::string>& Migrations();
/// The schema's views. They hold no data, so they are made anew after any step, and where those of
/// a database are not these.
[[nodiscard]] const std::string& Views();

/// Runs the statement it is sent to: `use << a << b << Execute()`.
struct Execute {};

/// A prepared statement, and where its columns are, by the addresses of their names.
struct KeptStatement {
  SQLite::Statement statement;
  std::unordered_map<const char*, int> columns = {};
};

/// A kept statement in use: bound from 1 on, reset when it goes out of scope, so that no read
/// transaction stays open behind it.
class StatementUse {
 public:
  explicit StatementUse(KeptStatement& kept) : kept_(kept), statement_(kept.statement) {}
  ~StatementUse() {
    statement_.tryReset();
    statement_.clearBindings();
  }
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;

  /// Binds the next parameter.
  StatementUse& operator<<(std::int64_t value);
  StatementUse& operator<<(double value);              ///< NULL if it is not finite
  StatementUse& operator<<(const std::string& value);  ///< must outlive the execution
  StatementUse& operator<<(StudyId id) { return *this << static_cast<std::int64_t>(id); }
  StatementUse& operator<<(TrialId id) { return *this << static_cast<std::int64_t>(id); }
  /// Runs a statement that answers no rows; says how many it changed.
  int operator<<(Execute) { return statement_.exec(); }

  /// The next row, where there is one.
  [[nodiscard]] bool Next() { return statement_.executeStep(); }
  /// The columns of the row at hand, by names that stay for ever: literals.
  [[nodiscard]] std::string Text(const char* column) const;      ///< empty for NULL
  [[nodiscard]] std::int64_t Integer(const char* column) const;  ///< 0 for NULL
  [[nodiscard]] double Number(const char* column) const;         ///< NaN for NULL
  [[nodiscard]] bool IsNull(const char* column) const;

 private:
  [[nodiscard]] SQLite::Column At(const char* column) const;

  KeptStatement& kept_;
  SQLite::Statement& statement_;
  int bound_ = 0;
};

class Database {
 public:
  /// `migrations` are other steps in tests of how one version becomes the next.
  Database(const std::filesystem::path& path, OpenMode mode,
           std::vector<std::string> migrations = Migrations());

  /// The statement of `sql`, prepared once. `sql` is the key by its address, so it must stay for
  /// ever: a literal, or text that is made once.
  [[nodiscard]] StatementUse Use(const char* sql);

  /// Runs `work`; SQLite's exceptions leave as Error with path and fix.
  template <typename Work>
  auto Read(Work&& work) {
    try {
      return work();
    } catch (const SQLite::Exception& exception) {
      Translate(exception);
    }
  }

  /// What `make` makes of each row that the statement answers; `values` are its parameters.
  template <typename Make, typename... Values>
  auto Rows(const char* sql, const Make& make, const Values&... values) {
    return Read([&] {
      StatementUse row = Use(sql);
      (void)(row << ... << values);
      std::vector<decltype(make(row))> made;
      while (row.Next()) made.push_back(make(row));
      return made;
    });
  }

  /// The same of a statement that answers one row or none.
  template <typename Make, typename... Values>
  auto Row(const char* sql, const Make& make, const Values&... values) {
    auto rows = Rows(sql, make, values...);
    // Its value, by name: what a vector of bool holds is no bool, and refers to the vector.
    std::optional<typename decltype(rows)::value_type> row;
    if (!rows.empty()) row = std::move(rows.front());
    return row;
  }

  /// The same of a statement whose row has to be there. Throws Error where somebody has taken it
  /// out of the record in the meantime.
  template <typename Make, typename... Values>
  auto TheRow(const char* sql, const Make& make, const Values&... values) {
    auto row = Row(sql, make, values...);
    if (!row) ThrowLost();
    return *std::move(row);
  }

  /// Runs `work` as Read does, inside BEGIN IMMEDIATE ... COMMIT: all of it or nothing, durable on
  /// return. Inside another Write it is a savepoint of that one: all of it or nothing, durable when
  /// that returns.
  template <typename Work>
  auto Write(Work&& work) {
    return Read([&] {
      if (writing_) {
        Inner inner(*this);
        return Complete(work, [&] { inner.Release(); });
      }
      SQLite::Transaction transaction(*connection_, SQLite::TransactionBehavior::IMMEDIATE);
      const WritingMark mark(writing_);
      return Complete(work, [&] { transaction.commit(); });
    });
  }

  [[nodiscard]] SQLite::Database& connection() { return *connection_; }
  /// Returns whether the file is of an earlier schema than what is read here (kReadOnly alone: who
  /// writes has brought it up to date).
  [[nodiscard]] bool is_of_earlier_schema() const { return is_of_earlier_schema_; }
  /// Returns how many statements were used so far.
  [[nodiscard]] std::int64_t uses() const { return uses_; }

  /// Copies the database into a new file, which needs no other file beside it; `change` is made in
  /// the copy.
  void CopyTo(const std::filesystem::path& to,
              const std::function<void(SQLite::Database&)>& change);
  /// Moves the log into the file as far as readers let it, if this connection has changed anything
  /// since it did so last.
  void Checkpoint();

 private:
  /// Sets a flag while it lives.
  class WritingMark {
   public:
    explicit WritingMark(bool& flag) : flag_(flag) { flag_ = true; }
    ~WritingMark() { flag_ = false; }
    WritingMark(const WritingMark&) = delete;
    WritingMark& operator=(const WritingMark&) = delete;

   private:
    bool& flag_;
  };

  /// Inner is a savepoint, rolled back where it goes without a release. Its statements are kept: to
  /// prepare them anew takes longer than most changes.
  class Inner {
   public:
    explicit Inner(Database& database) : database_(database) { database_.RunKept("SAVEPOINT one"); }
    ~Inner();
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;
    void Release() {
      database_.RunKept("RELEASE one");
      released_ = true;
    }

   private:
    Database& database_;
    bool released_ = false;
  };

  template <typename Work, typename Finish>
  static auto Complete(Work& work, Finish finish) {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      finish();
    } else {
      auto result = work();
      finish();
      return result;
    }
  }

  KeptStatement& Kept(const char* sql);
  /// Runs a statement of the transaction itself, which counts as no use.
  void RunKept(const char* sql) { static_cast<void>(StatementUse(Kept(sql)) << Execute()); }

  void OpenPatiently(OpenMode mode);
  void Open(OpenMode mode);
  void Connect(OpenMode mode);
  void ReadThroughAPrivateCopy();
  [[noreturn]] void ThrowLost() const;
  [[noreturn]] void Translate(const SQLite::Exception& exception) const;
  void Configure(OpenMode mode);
  void CheckOwner();
  void Migrate();
  void ReadOlderThroughACopy();
  [[nodiscard]] std::size_t SchemaVersion();
  [[nodiscard]] bool IsUpToDate();

  std::string path_;
  std::vector<std::string> migrations_;
  std::unique_ptr<SQLite::Database> connection_;
  std::unordered_map<const char*, std::unique_ptr<KeptStatement>> statements_;
  std::int64_t uses_ = 0;
  bool writing_ = false;
  bool is_of_earlier_schema_ = false;
  int settled_changes_ = 0;  ///< of this connection, at the last whole checkpoint
};

struct Store::Impl {
  Database database;
  RecordPlace place;

  /// Throws UsageError if there is no such trial.
  [[nodiscard]] TrialState StateOf(TrialId trial);
  /// The only statement that changes a trial's state; transitions.h decides whether it may.
  void MoveTo(TrialId trial, TrialState state);
};

}  // namespace beamgrid
