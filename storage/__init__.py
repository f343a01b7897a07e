"""Tables, repositories, migrations, encryption of secrets, the audit writer."""
