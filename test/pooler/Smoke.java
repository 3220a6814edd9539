/*
 * A Java program against a pooler, by PostgreSQL's own driver. Arguments: an address for JDBC, and a user.
 * It prints a line for each thing that works, and ends with status 1 and a trace at the first that does not.
 */
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;

public class Smoke {
  private static String address;
  private static String user;

  public static void main(String[] args) throws Exception {
    address = args[0];
    user = args[1];
    try (Connection connection = connect()) {
      execute(connection, "create table smoke (id int primary key, word text)");
    }
    done("prepared", Smoke::prepared);
    done("transactions", Smoke::transactions);
    done("batches", Smoke::batches);
    done("cursor", Smoke::cursor);
    done("copy", Smoke::copy);
    done("cancel", Smoke::cancel);
    done("errors", Smoke::errors);
    done("threads", Smoke::threads);
  }

  private interface Check {
    void run(Connection connection) throws Exception;
  }

  /** Each on a connection of its own, to an empty table. */
  private static void done(String name, Check check) throws Exception {
    try (Connection connection = connect()) {
      execute(connection, "truncate smoke");
      check.run(connection);
    }
    System.out.println(name);
  }

  /** The driver prepares a statement under a name at its fifth use: prepareThreshold. */
  private static void prepared(Connection connection) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement("select ?::int + 1, ?::text")) {
      for (int i = 0; i < 20; i++) {
        statement.setInt(1, i);
        statement.setString(2, "word " + i);
        try (ResultSet rows = statement.executeQuery()) {
          check(rows.next() && rows.getInt(1) == i + 1, "sum " + i);
          check(rows.getString(2).equals("word " + i), "word " + i);
        }
      }
      check(statement.unwrap(PGStatement.class).isUseServerPrepare(), "never prepared by name");
    }
    // More than the pooler keeps, so that some are closed and prepared again.
    List<PreparedStatement> many = new ArrayList<>();
    for (int i = 0; i < 30; i++) many.add(connection.prepareStatement("select ? || '" + i + "'"));
    for (int round = 0; round < 7; round++)
      for (int i = 0; i < many.size(); i++) {
        many.get(i).setString(1, round + "-");
        check(one(many.get(i).executeQuery()).equals(round + "-" + i), "statement " + i);
      }
    for (PreparedStatement each : many) each.close();
  }

  private static void transactions(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    insert(connection, 1, "taken back");
    connection.rollback();
    insert(connection, 2, "kept");
    check(value(connection, "select count(*) from smoke").equals("1"), "count inside");
    check(value(connection, "show transaction_isolation").equals("serializable"), "isolation");
    connection.commit();
    connection.setAutoCommit(true);
    check(value(connection, "select string_agg(word, ',') from smoke").equals("kept"), "kept");
  }

  private static void batches(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    String sql = "insert into smoke values (?, ?)";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < 1_000; i++) {
        statement.setInt(1, i);
        statement.setString(2, "row " + i);
        statement.addBatch();
      }
      check(IntStream.of(statement.executeBatch()).sum() == 1_000, "rows of the batch");
    }
    connection.commit();
    check(value(connection, "select sum(id) from smoke").equals("499500"), "sum of the batch");
    connection.commit();
  }

  /** With a fetch size the driver leaves a named portal open and asks for more, again and again. */
  private static void cursor(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(7);
      try (ResultSet rows = statement.executeQuery("select generate_series(1, 1000)")) {
        for (int i = 1; i <= 1_000; i++) {
          check(rows.next() && rows.getInt(1) == i, "row " + i);
          if (i == 500) check(value(connection, "select 'between'").equals("between"), "between");
        }
        check(!rows.next(), "no more rows");
      }
    }
    connection.commit();
  }

  private static void copy(Connection connection) throws Exception {
    String rows =
        IntStream.range(0, 20_000).mapToObj(i -> i + "\trow " + i + "\n").collect(Collectors.joining());
    var manager = connection.unwrap(PGConnection.class).getCopyAPI();
    long written = manager.copyIn("copy smoke from stdin", new StringReader(rows));
    check(written == 20_000, "rows copied in");
    StringWriter back = new StringWriter();
    manager.copyOut("copy (select * from smoke order by id) to stdout", back);
    check(back.toString().equals(rows), "rows copied out");
    SQLException error =
        failure(() -> manager.copyIn("copy smoke from stdin", new StringReader("x\ty\n")));
    check(error.getSQLState().equals("22P02"), "a bad row: " + error);
    check(value(connection, "select 'alive'").equals("alive"), "after a bad row");
  }

  private static void cancel(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      SQLException error = failure(() -> statement.execute("select pg_sleep(60)"));
      check(error.getSQLState().equals("57014"), "cancelled: " + error);
      check(one(statement.executeQuery("select 'alive'")).equals("alive"), "after the cancel");
    }
  }

  private static void errors(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    insert(connection, 1, "first");
    Savepoint savepoint = connection.setSavepoint();
    SQLException twice = failure(() -> insert(connection, 1, "again"));
    check(twice.getSQLState().equals("23505"), "a key twice: " + twice);
    SQLException aborted = failure(() -> execute(connection, "select 1"));
    check(aborted.getSQLState().equals("25P02"), "in an aborted transaction: " + aborted);
    connection.rollback(savepoint);
    insert(connection, 2, "second");
    connection.commit();
    check(value(connection, "select count(*) from smoke").equals("2"), "rows after an error");
    connection.rollback();
    connection.setAutoCommit(true);
    SQLException zero = failure(() -> execute(connection, "select 1 / 0"));
    check(zero.getSQLState().equals("22012"), "a division: " + zero);
    check(value(connection, "select 'alive'").equals("alive"), "after a division");
  }

  /** More threads than servers; each sees its own words, in transactions and outside. */
  private static void threads(Connection unused) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(12);
    List<Future<Void>> ends = new ArrayList<>();
    for (int thread = 0; thread < 12; thread++) ends.add(pool.submit(worker(thread)));
    for (Future<Void> end : ends) end.get();
    pool.shutdown();
  }

  private static Callable<Void> worker(int thread) {
    return () -> {
      for (int round = 0; round < 3; round++)
        try (Connection connection = connect()) {
          for (int i = 0; i < 20; i++) ask(connection, thread, round * 20 + i);
        }
      return null;
    };
  }

  private static void ask(Connection connection, int thread, int step) throws Exception {
    String word = "thread " + thread + " step " + step;
    connection.setAutoCommit(step % 2 == 0);
    insert(connection, thread * 1_000 + step, word);
    String sql = "select word from smoke where id = " + (thread * 1_000 + step) + " and word = ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, word);
      check(one(statement.executeQuery()).equals(word), word);
    }
    if (!connection.getAutoCommit()) connection.commit();
  }

  private static Connection connect() throws SQLException {
    return DriverManager.getConnection(address, user, "");
  }

  private static void insert(Connection connection, int id, String word) throws SQLException {
    String sql = "insert into smoke values (?, ?)";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setInt(1, id);
      statement.setString(2, word);
      check(statement.executeUpdate() == 1, "inserted " + word);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return one(statement.executeQuery(sql));
    }
  }

  private static String one(ResultSet rows) throws SQLException {
    check(rows.next(), "a row");
    return rows.getString(1);
  }

  private static SQLException failure(Callable<?> action) throws Exception {
    try {
      action.call();
    } catch (SQLException error) {
      return error;
    }
    throw new AssertionError("did not fail");
  }

  private static SQLException failure(Failing action) throws Exception {
    return failure(
        () -> {
          action.run();
          return null;
        });
  }

  private interface Failing {
    void run() throws Exception;
  }

  private static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }
}
